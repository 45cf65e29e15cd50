/*
 * my_slot.c
 *		The slot of this worker process, and the ways in which the process ends.
 *
 * A worker is asked to leave by SIGTERM or through its slot.  It then has a few
 * seconds to record its results.
 *
 * This file must not know transactions or the work of the worker.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/wait_event.h"

#include "process/my_slot.h"
#include "process/wakeup.h"

#define DRAIN_MS 5000
#define DRAIN_SHORT_MS 1000

static RcsSlot *my_slot = NULL;
static RcsExitReason exit_reason = RCS_EXIT_ERROR;

RcsSlot *
rcs_my_slot(void)
{
	return my_slot;
}

static void
at_exit(int code, Datum arg)
{
	rcs_handover_close();
	if (my_slot == NULL)
		return;
	if (exit_reason == RCS_EXIT_ERROR && my_slot->stop)
		exit_reason = RCS_EXIT_ASKED;
	else if (exit_reason == RCS_EXIT_ERROR && ShutdownRequestPending)
		exit_reason = RCS_EXIT_TERMINATED;
	rcs_slot_detach(my_slot, exit_reason);
}

RcsSlot *
rcs_my_slot_attach(int n, uint32 generation)
{
	before_shmem_exit(at_exit, (Datum) 0);
	my_slot = rcs_slot_attach(n, generation);
	if (my_slot == NULL)
		proc_exit(0);
	rcs_handover_open(my_slot->dboid);
	return my_slot;
}

/* ---------- being asked to leave ---------- */

bool
rcs_worker_stopping(RcsSlot *slot)
{
	return ShutdownRequestPending || slot->stop;
}

int
rcs_worker_drain_ms(void)
{
	return my_slot->drain_short ? DRAIN_SHORT_MS : DRAIN_MS;
}

/* The latch stays set: the worker's loop has still to look for the reason. */
bool
rcs_worker_pause(long timeout_ms)
{
	(void) WaitLatch(NULL, WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, timeout_ms,
					 RcsWaitEvent("RcsExtensionBusy"));
	CHECK_FOR_INTERRUPTS();
	return !rcs_worker_stopping(my_slot);
}

/* ---------- the end of the process ---------- */

/* The server expects status 1 of a process that was terminated. */
void
rcs_worker_end(RcsSlot *slot)
{
	proc_exit(slot->stop ? 0 : 1);
}

void
rcs_worker_ended_by_handler(void)
{
	exit_reason = RCS_EXIT_HANDLER;
}

void
rcs_worker_extension_gone(void)
{
	exit_reason = RCS_EXIT_ABSENT;
	proc_exit(0);
}

/* The worker comes back when the launcher is told of ALTER EXTENSION, or at a restart. */
void
rcs_worker_wrong_version(void)
{
	exit_reason = RCS_EXIT_VERSION;
	ereport(
		WARNING,
		(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		 errmsg("extension rcs of this database does not fit the loaded library, version %s",
				RCS_VERSION),
		 errdetail("Nothing is sent from database %u.", MyDatabaseId),
		 errhint(
			 "Restart the server if its library was replaced, and run ALTER EXTENSION rcs UPDATE.")));
	proc_exit(0);
}
