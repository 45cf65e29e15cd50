/*
 * boot.c
 *		Was the server started to restore a backup?
 *
 * When recovery is over its signal file is gone, so the postmaster looks
 * before.  This file must not know what follows from it.
 */
#include "postgres.h"

#include <unistd.h>

#include "access/xlog.h"

#include "process/boot.h"

static bool restored = false;

void
rcs_boot_note(void)
{
	restored = access(RECOVERY_SIGNAL_FILE, F_OK) == 0 && access(STANDBY_SIGNAL_FILE, F_OK) != 0;
}

bool
rcs_boot_restored(void)
{
	return restored;
}
