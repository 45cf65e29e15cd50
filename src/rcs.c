/*
 * rcs.c
 *		The library's entry: starts the parts that need it when the library is loaded.
 *
 * It knows only the _init functions.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "account/account_shared.h"
#include "campaign/campaign_rate.h"
#include "campaign/verdict.h"
#include "chat/handler.h"
#include "hold/load_guard.h"
#include "listener/listener_shared.h"
#include "media/media_shared.h"
#include "process/boot.h"
#include "process/ddl_hooks.h"
#include "process/guc.h"
#include "process/hold_shared.h"
#include "process/launcher.h"
#include "process/shmem.h"
#include "process/slots.h"
#include "process/wakeup.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	rcs_guc_init();
	rcs_wakeup_init();
	rcs_hold_shared_init();
	if (!process_shared_preload_libraries_in_progress)
		return;

	rcs_boot_note();
	rcs_slots_init();
	rcs_account_shared_init();
	rcs_campaign_rate_init();
	rcs_campaign_verdict_init();
	rcs_media_shared_init();
	rcs_listener_shared_init();
	rcs_handler_init();
	rcs_shmem_init();
	/* pg_upgrade copies the queue: no worker may send from it */
	if (IsBinaryUpgrade)
		return;
	rcs_ddl_hooks_init();
	rcs_load_guard_init();
	rcs_launcher_register();
}
