/*
 * worker.c
 *		The life of a worker process of a database: its start, its settings, its
 *		generations.
 *
 * Locks of tables are waited for at most LOCK_TIMEOUT, because a process that waits
 * for a lock neither sends nor notices that it is to stop.
 *
 * This file must not know the work of the worker.
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
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/pg_compat.h"
#include "process/my_slot.h"
#include "process/own_lock.h"
#include "process/txn.h"
#include "process/worker.h"

#define LOCK_TIMEOUT "1s"


static int64 generation = 0; /* 0: none */
static uint32 reloads = 0;

/* An administrator may have set these for sessions of this database; here they would be wrong. */
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

/* There are no results to save yet, and InitPostgres may wait for a lock. */
static void
startup_sigterm(SIGNAL_ARGS)
{
	ShutdownRequestPending = true;
	RcsPassSignal(die);
}

/* A commit may wait for a standby that is gone, and the server waits for this worker. */
static void
sigterm(SIGNAL_ARGS)
{
	RcsPassSignal(SignalHandlerForShutdownRequest);
	RcsPassSignal(rcs_txn_cancel_commit);
}

static RcsSlot *
attach(int n)
{
	uint32 slot_generation;

	memcpy(&slot_generation, MyBgworkerEntry->bgw_extra, sizeof(slot_generation));
	return rcs_my_slot_attach(n, slot_generation);
}

static void
connect_to_database(const RcsSlot *slot)
{
	char appname[NAMEDATALEN];

	BackgroundWorkerInitializeConnectionByOid(slot->dboid, InvalidOid, 0);
	for (size_t i = 0; i < lengthof(settings); i++)
		SetConfigOption(settings[i][0], settings[i][1], PGC_SUSET, PGC_S_OVERRIDE);
	snprintf(appname, sizeof(appname), "%s %d", MyBgworkerEntry->bgw_type, slot->index);
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
	RcsSlot *slot;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, startup_sigterm);
	slot = attach(DatumGetInt32(main_arg));
	BackgroundWorkerUnblockSignals();
	if (slot->stop)
		proc_exit(0);

	connect_to_database(slot);
	/* pg_cancel_backend() and lock_timeout end a statement; outside one they would end the process */
	pqsignal(SIGINT, rcs_txn_cancel);
	pqsignal(SIGTERM, sigterm);
	CHECK_FOR_INTERRUPTS();

	if (!rcs_txn_run(leave_template, NULL))
		rcs_worker_end(slot);
	rcs_worker_new_generation();
	rcs_slot_confirm(slot);
	ereport(LOG, (errmsg("%s started", MyBgworkerEntry->bgw_name)));
	return slot;
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
	RcsSlot *slot = rcs_my_slot();

	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
		reloads++;
	}
	if (slot->recheck)
	{
		/* first, or a request that comes meanwhile is lost */
		slot->recheck = false;
		(void) rcs_txn_run(do_nothing, NULL);
	}
}

/* ---------- generations ---------- */

int64
rcs_worker_generation(void)
{
	return generation;
}

/* True: a process that took this generation still remembers it. */
bool
rcs_generation_alive(int64 number)
{
	bool again;

	if (number == generation)
		return true;
	/* shared, so that two workers that ask at once do not take each other for the owner */
	if (!rcs_own_lock_session(RCS_OWN_GENERATION, number, ShareLock, &again))
		return true;
	rcs_own_unlock_session(RCS_OWN_GENERATION, number, ShareLock);
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
	if (generation == 0)
		return;
	rcs_own_unlock_session(RCS_OWN_GENERATION, generation, ExclusiveLock);
	generation = 0;
}

/* After this no process vouches for what this one has leased before. */
void
rcs_worker_new_generation(void)
{
	int64 number;
	bool again;

	forget_generation();
	do
	{
		if (!rcs_txn_run(next_generation, &number))
			rcs_worker_end(rcs_my_slot());
	}
	/* taken only when the sequence was set back */
	while (!rcs_own_lock_session(RCS_OWN_GENERATION, number, ExclusiveLock, &again));
	generation = number;
}
