/*
 * launcher.c
 *		The one process that starts and stops the workers of all databases.
 *
 * It is connected to no database.  Only a process that is connected to a database
 * can see whether it has the extension.  So the first worker of a database is a probe,
 * which either confirms its slot or leaves with the reason RCS_EXIT_ABSENT.  At
 * start the databases are probed one after another; later only on request (CREATE
 * EXTENSION makes one, at commit), so that databases without the extension are not
 * connected to again and again.
 *
 * A turn is: read pg_database, take requests, see the workers that have gone, start
 * and stop.  launcher_db.c keeps the databases.  The slots keep the workers, so that a
 * new launcher adopts the workers of the one before.  This file must not know the work
 * of the workers.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "base/pg_compat.h"
#include "process/guc.h"
#include "process/launcher.h"
#include "process/launcher_db.h"
#include "process/slots.h"

#define NAP_MS 60000
#define PROBE_PATIENCE_MS 10000 /* then the next database is probed besides */
#define UNCLAIMED_MS 10000		/* a start ordered by a launcher that is gone */
#define SHORTAGE_RETRY_MS 5000
#define SHORTAGE_WARNING_MS 60000
#define TERMINATED_PAUSE_MS 500
#define LONG_RUN_MS 30000 /* an error after it is not one of a series */

/* A slot as this launcher knows it, besides its contents. */
typedef struct Child
{
	bool active;
	bool doubtful; /* another worker of its database has not found the extension */
	uint32 generation;
	BackgroundWorkerHandle *handle; /* NULL: adopted */
} Child;

static Child children[RCS_MAX_SLOTS];
static RcsSlot slots[RCS_MAX_SLOTS]; /* as of this turn */
static TimestampTz now;				 /* of this turn */
static TimestampTz look_again;		 /* the next turn at the latest */
static TimestampTz shortage_until = 0;
static TimestampTz shortage_warned = 0;

static void
look_again_at(TimestampTz when)
{
	if (when < look_again)
		look_again = when;
}

/* ---------- workers that have gone ---------- */

static bool
is_child_of(int n, Oid dboid)
{
	return children[n].active && slots[n].dboid == dboid;
}

static void
not_found_in(RcsDb *db)
{
	/* a request that came after that worker's start may mean a new extension */
	db->state = db->probe_wanted ? RCS_DB_UNKNOWN : RCS_DB_ABSENT;
	for (int n = 0; n < RCS_MAX_SLOTS; n++)
	{
		if (is_child_of(n, db->dboid))
			children[n].doubtful = true;
	}
}

static void
child_gone(int n)
{
	RcsDb *db = rcs_db_find(slots[n].dboid);

	children[n].active = false;
	if (children[n].handle != NULL)
		pfree(children[n].handle);
	children[n].handle = NULL;
	if (db == NULL)
		return;
	switch (slots[n].exit_reason)
	{
		case RCS_EXIT_ABSENT:
		case RCS_EXIT_VERSION:
			/* a worker that was in doubt already is no news */
			if (!children[n].doubtful)
				not_found_in(db);
			break;
		case RCS_EXIT_TERMINATED:
			db->next_start = TimestampTzPlusMilliseconds(now, TERMINATED_PAUSE_MS);
			break;
		case RCS_EXIT_ASKED:
		case RCS_EXIT_HANDLER: /* no fault of the database: its other workers are not held up */
			break;
		case RCS_EXIT_NONE:
		case RCS_EXIT_ERROR:
			rcs_db_back_off(db, now, TimestampDifferenceExceeds(slots[n].since, now, LONG_RUN_MS));
			break;
	}
}

/* True: the process of a starting slot has failed before it took the slot. */
static bool
never_came(int n)
{
	pid_t pid;

	if (children[n].handle != NULL)
		return GetBackgroundWorkerPid(children[n].handle, &pid) == BGWH_STOPPED;
	look_again_at(TimestampTzPlusMilliseconds(slots[n].since, UNCLAIMED_MS + 1));
	return TimestampDifferenceExceeds(slots[n].since, now, UNCLAIMED_MS);
}

static void
see_child(int n)
{
	if (!children[n].active)
	{
		if (slots[n].phase == RCS_SLOT_FREE)
			return;
		children[n].active = true;
		children[n].doubtful = false;
		children[n].generation = slots[n].generation;
	}
	if (slots[n].phase == RCS_SLOT_STARTING && never_came(n) &&
		rcs_slot_abandon(n, children[n].generation))
	{
		slots[n].phase = RCS_SLOT_FREE;
		slots[n].exit_reason = RCS_EXIT_ERROR;
	}
	if (slots[n].phase == RCS_SLOT_FREE)
		child_gone(n);
}

/* Departures first: they may put databases in doubt that other workers have confirmed. */
static void
see_children(void)
{
	rcs_slots_copy(slots);
	for (int n = 0; n < RCS_MAX_SLOTS; n++)
		see_child(n);
	for (int n = 0; n < RCS_MAX_SLOTS; n++)
	{
		RcsDb *db;

		if (!children[n].active || children[n].doubtful || !slots[n].confirmed)
			continue;
		if ((db = rcs_db_find(slots[n].dboid)) != NULL)
			db->state = RCS_DB_PRESENT;
	}
}

/* ---------- starting and stopping ---------- */

static int
wanted(const RcsDb *db, RcsWorkerKind kind)
{
	switch (kind)
	{
		case RCS_WORKER_SINGLE:
			return rcs_single_workers;
		case RCS_WORKER_CAMPAIGN:
			return rcs_campaign_workers;
		case RCS_WORKER_CHAT:
			return rcs_chat_workers;
		case RCS_WORKER_LISTENER:
			return strcmp(db->name, rcs_listen_database) == 0 ? 1 : 0;
	}
	return 0;
}

static int
wanted_in_all(const RcsDb *db)
{
	int n = 0;

	for (int kind = 0; kind < RCS_WORKER_KINDS; kind++)
		n += wanted(db, kind);
	return n;
}

/* Counts those of the asking database too, even when it has not been probed yet. */
static int
processes_needed(RcsDb *asking)
{
	HASH_SEQ_STATUS seq;
	RcsDb *db;
	int n = 1;

	rcs_dbs_scan(&seq);
	while ((db = hash_seq_search(&seq)) != NULL)
		if (db == asking || (db->usable && db->state == RCS_DB_PRESENT))
			n += wanted_in_all(db);
	return n;
}

static void
shortage(RcsDb *db, bool ours)
{
	shortage_until = TimestampTzPlusMilliseconds(now, SHORTAGE_RETRY_MS);
	if (shortage_warned != 0 &&
		!TimestampDifferenceExceeds(shortage_warned, now, SHORTAGE_WARNING_MS))
		return;
	shortage_warned = now;
	if (ours)
		ereport(WARNING,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("no worker of rcs can be started for database \"%s\"", db->name),
				 errdetail("There are at most %d workers of rcs.", RCS_MAX_SLOTS),
				 errhint("Lower rcs.single_workers, rcs.campaign_workers or rcs.chat_workers.")));
	else
		ereport(WARNING,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("no worker of rcs can be started for database \"%s\"", db->name),
				 errdetail("All %d worker processes of the server are in use; rcs alone needs %d.",
						   max_worker_processes, processes_needed(db)),
				 errhint("Raise max_worker_processes and restart the server.")));
}

static void
describe(BackgroundWorker *worker, RcsDb *db, int n, RcsWorkerKind kind, int index)
{
	static const char *const functions[] = {"rcs_delivery_main", "rcs_delivery_main",
											"rcs_chat_main", "rcs_listener_main"};
	const char *what = rcs_worker_kind_name(kind);

	memset(worker, 0, sizeof(*worker));
	worker->bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker->bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker->bgw_restart_time = BGW_NEVER_RESTART;
	worker->bgw_notify_pid = MyProcPid;
	worker->bgw_main_arg = Int32GetDatum(n);
	memcpy(worker->bgw_extra, &children[n].generation, sizeof(children[n].generation));
	strlcpy(worker->bgw_library_name, "rcs", BGW_MAXLEN);
	strlcpy(worker->bgw_function_name, functions[kind], BGW_MAXLEN);
	snprintf(worker->bgw_type, BGW_MAXLEN, "rcs %s worker", what);
	snprintf(worker->bgw_name, BGW_MAXLEN, "rcs %s worker %d of database %s", what, index,
			 db->name);
}

static int
free_child(void)
{
	for (int n = 0; n < RCS_MAX_SLOTS; n++)
	{
		if (!children[n].active)
			return n;
	}
	return -1;
}

static void
start_worker(RcsDb *db, RcsWorkerKind kind, int index)
{
	BackgroundWorker worker;
	int n;

	if (db->next_start > now)
	{
		look_again_at(db->next_start);
		return;
	}
	if (shortage_until > now)
	{
		look_again_at(shortage_until);
		return;
	}
	n = free_child();
	if (n < 0)
	{
		shortage(db, true);
		return;
	}
	/* a blocked database wakes us when it is free again */
	if (rcs_slot_reserve(n, db->dboid, kind, index, &children[n].generation) != RCS_RESERVED)
		return;
	children[n].active = true;
	children[n].doubtful = false;
	describe(&worker, db, n, kind, index);
	if (!RegisterDynamicBackgroundWorker(&worker, &children[n].handle))
	{
		children[n].active = false;
		(void) rcs_slot_abandon(n, children[n].generation);
		shortage(db, false);
		return;
	}
	db->probe_wanted = false;
	/* for this turn's other decisions */
	slots[n].phase = RCS_SLOT_STARTING;
	slots[n].dboid = db->dboid;
	slots[n].kind = kind;
	slots[n].index = index;
	slots[n].confirmed = slots[n].stop = false;
	slots[n].since = now;
}

static void
stop_worker(int n)
{
	if (rcs_slot_stop(n, children[n].generation))
		ereport(DEBUG1, (errmsg("worker %d of database %u is told to stop", n, slots[n].dboid)));
}

static int
find_worker(Oid dboid, RcsWorkerKind kind, int index)
{
	for (int n = 0; n < RCS_MAX_SLOTS; n++)
	{
		if (is_child_of(n, dboid) && slots[n].kind == kind && slots[n].index == index)
			return n;
	}
	return -1;
}

static void
stop_surplus(RcsDb *db)
{
	for (int n = 0; n < RCS_MAX_SLOTS; n++)
	{
		if (is_child_of(n, db->dboid) &&
			(!db->usable || slots[n].index >= wanted(db, slots[n].kind)))
			stop_worker(n);
	}
}

static void
start_missing(RcsDb *db, RcsWorkerKind kind)
{
	for (int index = 0; index < wanted(db, kind); index++)
	{
		if (find_worker(db->dboid, kind, index) < 0)
			start_worker(db, kind, index);
	}
}

/* True: a worker is just looking into a database that is not known yet. */
static bool
probe_under_way(void)
{
	for (int n = 0; n < RCS_MAX_SLOTS; n++)
	{
		RcsDb *db;

		if (!children[n].active || slots[n].confirmed)
			continue;
		db = rcs_db_find(slots[n].dboid);
		if (db == NULL || db->state != RCS_DB_UNKNOWN ||
			TimestampDifferenceExceeds(slots[n].since, now, PROBE_PATIENCE_MS))
			continue;
		look_again_at(TimestampTzPlusMilliseconds(slots[n].since, PROBE_PATIENCE_MS + 1));
		return true;
	}
	return false;
}

static bool
has_fresh_child(Oid dboid)
{
	for (int n = 0; n < RCS_MAX_SLOTS; n++)
	{
		if (is_child_of(n, dboid) && !children[n].doubtful)
			return true;
	}
	return false;
}

static void
probe(RcsDb *db)
{
	int kind = 0;

	/* any kind of which one is wanted will do */
	while (kind < RCS_WORKER_KINDS && wanted(db, kind) == 0)
		kind++;
	if (kind == RCS_WORKER_KINDS || has_fresh_child(db->dboid) || probe_under_way())
		return;
	/* an old worker that has yet to notice its end may have the first numbers */
	if (find_worker(db->dboid, kind, 0) < 0)
		start_worker(db, kind, 0);
}

static void
care_for(RcsDb *db)
{
	stop_surplus(db);
	if (!db->usable)
		return;
	switch (db->state)
	{
		case RCS_DB_UNKNOWN:
			probe(db);
			break;
		case RCS_DB_PRESENT:
			for (int kind = 0; kind < RCS_WORKER_KINDS; kind++)
				start_missing(db, kind);
			break;
		case RCS_DB_ABSENT:
			break;
	}
}

static void
turn(void)
{
	HASH_SEQ_STATUS seq;
	RcsDb *db;
	TimestampTz before = now;

	now = GetCurrentTimestamp();
	if (now < before) /* the clock was set back, and pauses would be longer by that */
		rcs_dbs_end_rests();
	shortage_until = Min(shortage_until, TimestampTzPlusMilliseconds(now, SHORTAGE_RETRY_MS));
	look_again = TimestampTzPlusMilliseconds(now, NAP_MS);
	rcs_dbs_read();
	rcs_dbs_take_requests();
	see_children();
	rcs_dbs_scan(&seq);
	while ((db = hash_seq_search(&seq)) != NULL)
		care_for(db);
	rcs_dbs_forget_dropped();
}

static void
wait_for_work(void)
{
	long ms = Min(NAP_MS, TimestampDifferenceMilliseconds(GetCurrentTimestamp(), look_again));

	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ms,
					 RcsWaitEvent("RcsLauncherMain"));
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

static void
at_exit(int code, Datum arg)
{
	rcs_launcher_detach();
}

void
rcs_launcher_main(Datum main_arg)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	before_shmem_exit(at_exit, (Datum) 0);
	rcs_launcher_attach();
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	pgstat_report_appname("rcs launcher");
	pgstat_report_activity(STATE_IDLE, NULL);

	rcs_dbs_init();
	ereport(LOG, (errmsg("rcs launcher started")));
	for (;;)
	{
		turn();
		wait_for_work();
	}
}

void
rcs_launcher_register(void)
{
	BackgroundWorker worker;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = 1;
	strlcpy(worker.bgw_library_name, "rcs", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "rcs_launcher_main", BGW_MAXLEN);
	strlcpy(worker.bgw_name, "rcs launcher", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "rcs launcher", BGW_MAXLEN);
	RegisterBackgroundWorker(&worker);
}
