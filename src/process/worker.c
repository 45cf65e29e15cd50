/*
 * worker.c
 *		The life of a worker process of a database, from its slot to its exit.
 *
 * A worker is asked to leave by SIGTERM or through its slot; it then has a few
 * seconds to record what it knows.  Locks of tables are waited for at most
 * LOCK_TIMEOUT, because a process that waits for a lock does neither.
 *
 * This file must not know what is delivered.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_database.h"
#include "commands/sequence.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/wait_event.h"

#include "base/pg_compat.h"
#include "process/txn.h"
#include "process/wakeup.h"
#include "process/worker.h"

#define LOCK_TIMEOUT "1s"
#define DRAIN_MS 5000
#define DRAIN_SHORT_MS 1000

/* Marks the session locks of generations; SQL can take no lock of this kind. */
#define GENERATION_LOCK 0x5243

static RcsSlot *my_slot = NULL;
static RcsExitReason exit_reason = RCS_EXIT_ERROR;
static int64 generation = 0; /* 0: none */
static uint32 reloads = 0;

/* What an administrator may have set for sessions of this database, and is wrong here. */
static const char *const settings[][2] = {
	{"search_path", ""},
	{"default_transaction_isolation", "read committed"},
	{"default_transaction_read_only", "off"},
	{"statement_timeout", "0"},
	{"lock_timeout", LOCK_TIMEOUT},
#if RCS_HAVE_TRANSACTION_TIMEOUT
	{"transaction_timeout", "0"},
#endif
};

/* Nothing is to be saved yet, and InitPostgres may wait for a lock. */
static void
startup_sigterm(SIGNAL_ARGS)
{
	ShutdownRequestPending = true;
	die(postgres_signal_arg);
}

/* pg_cancel_backend() and lock_timeout end a statement; outside one they would end the process. */
static void
sigint(SIGNAL_ARGS)
{
	rcs_txn_cancel(postgres_signal_arg);
}

/* A commit may wait for a standby that is gone; the server waits for us. */
static void
sigterm(SIGNAL_ARGS)
{
	SignalHandlerForShutdownRequest(postgres_signal_arg);
	rcs_txn_cancel_commit(postgres_signal_arg);
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

static void
attach(int n)
{
	uint32 slot_generation;

	memcpy(&slot_generation, MyBgworkerEntry->bgw_extra, sizeof(slot_generation));
	before_shmem_exit(at_exit, (Datum) 0);
	my_slot = rcs_slot_attach(n, slot_generation);
	if (my_slot == NULL)
		proc_exit(0);
	rcs_handover_open(my_slot->dboid);
}

static void
connect_to_database(void)
{
	char appname[NAMEDATALEN];

	BackgroundWorkerInitializeConnectionByOid(my_slot->dboid, InvalidOid, 0);
	for (size_t i = 0; i < lengthof(settings); i++)
		SetConfigOption(settings[i][0], settings[i][1], PGC_SUSET, PGC_S_OVERRIDE);
	snprintf(appname, sizeof(appname), "%s %d", MyBgworkerEntry->bgw_type, my_slot->index);
	pgstat_report_appname(appname);
	pgstat_report_activity(STATE_IDLE, NULL);
}

/* It may have become a template since the launcher looked. */
static void
leave_template(void *arg)
{
	HeapTuple tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId));
	bool template = false;

	if (HeapTupleIsValid(tuple))
	{
		template = ((Form_pg_database) GETSTRUCT(tuple))->datistemplate;
		ReleaseSysCache(tuple);
	}
	if (template)
		rcs_worker_extension_gone();
}

RcsSlot *
rcs_worker_begin(Datum main_arg)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, startup_sigterm);
	attach(DatumGetInt32(main_arg));
	BackgroundWorkerUnblockSignals();
	if (my_slot->stop)
		proc_exit(0);

	connect_to_database();
	pqsignal(SIGINT, sigint);
	pqsignal(SIGTERM, sigterm);
	CHECK_FOR_INTERRUPTS();

	if (!rcs_txn_run(leave_template, NULL))
		rcs_worker_end(my_slot);
	rcs_worker_new_generation();
	rcs_slot_confirm(my_slot);
	ereport(LOG, (errmsg("%s started", MyBgworkerEntry->bgw_name)));
	return my_slot;
}

/* Does not return.  Status 1 is what the server expects of a process that was terminated. */
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

uint32
rcs_worker_reloads(void)
{
	return reloads;
}

static void
do_nothing(void *arg)
{
}

/* To be called between waits, outside of a transaction. */
void
rcs_worker_loop_housekeeping(void)
{
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
		reloads++;
	}
	if (my_slot->recheck)
	{
		/* first, or a request that comes meanwhile is lost */
		my_slot->recheck = false;
		(void) rcs_txn_run(do_nothing, NULL);
	}
}

/*
 * A short wait inside of something that cannot be interrupted by work.  The latch
 * is left alone: whatever set it is still to be looked at by the worker's loop.
 * False: the worker is to stop.
 */
bool
rcs_worker_pause(long timeout_ms)
{
	(void) WaitLatch(NULL, WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, timeout_ms,
					 RcsWaitEvent("RcsExtensionBusy"));
	CHECK_FOR_INTERRUPTS();
	return !rcs_worker_stopping(my_slot);
}

void
rcs_worker_extension_gone(void)
{
	exit_reason = RCS_EXIT_ABSENT;
	proc_exit(0);
}

/* Comes back when the launcher is told of ALTER EXTENSION, or at a restart. */
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

/*
 * Generations.
 */

static void
generation_tag(LOCKTAG *tag, int64 number)
{
	SET_LOCKTAG_ADVISORY(*tag, MyDatabaseId, (uint32) ((uint64) number >> 32), (uint32) number,
						 GENERATION_LOCK);
	tag->locktag_type = LOCKTAG_USERLOCK;
}

int64
rcs_worker_generation(void)
{
	return generation;
}

/* Does a process that took this generation still remember it? */
bool
rcs_generation_alive(int64 number)
{
	LOCKTAG tag;

	if (number == generation)
		return true;
	/* shared, so that two who ask at once do not take each other for the owner */
	generation_tag(&tag, number);
	if (LockAcquire(&tag, ShareLock, true, true) == LOCKACQUIRE_NOT_AVAIL)
		return true;
	LockRelease(&tag, ShareLock, true);
	return false;
}

static void
next_generation(void *arg)
{
	Oid sequence = get_relname_relid("generation_seq", get_namespace_oid("rcs", false));

	if (!OidIsValid(sequence))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE), errmsg("sequence rcs.generation_seq is missing"),
				 errhint("Drop the extension and create it again.")));
	*(int64 *) arg = nextval_internal(sequence, true);
}

static void
forget_generation(void)
{
	LOCKTAG tag;

	if (generation == 0)
		return;
	generation_tag(&tag, generation);
	LockRelease(&tag, ExclusiveLock, true);
	generation = 0;
}

/* After this nobody vouches for what was leased before. */
void
rcs_worker_new_generation(void)
{
	int64 number;
	LOCKTAG tag;

	forget_generation();
	do
	{
		if (!rcs_txn_run(next_generation, &number))
			rcs_worker_end(my_slot);
		generation_tag(&tag, number);
	}
	/* taken only when somebody has set the sequence back */
	while (LockAcquire(&tag, ExclusiveLock, true, true) == LOCKACQUIRE_NOT_AVAIL);
	generation = number;
}
