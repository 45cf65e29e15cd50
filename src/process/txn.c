/*
 * txn.c
 *		The transaction bracket of workers, and the only PG_TRY around one.
 *
 * Order matters: the extension is locked before any of its tables, as DROP
 * EXTENSION does, so the two cannot deadlock; and it is locked without waiting,
 * because a worker that waits here looks after nothing else.
 *
 * This file must not know the statements that run.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "replication/syncrep.h"
#include "replication/walsender.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"

#include "base/pg_compat.h"
#include "process/ext_state.h"
#include "process/my_slot.h"
#include "process/txn.h"

#define BUSY_PAUSE_MS 100

/* read or written by signal handlers */
static volatile sig_atomic_t in_txn = false;
static volatile sig_atomic_t committing = false;
static volatile sig_atomic_t canceled = false;

static bool replicated = true;

/* A later extension of the same name is another one, which this worker does not serve. */
static Oid extension = InvalidOid;

typedef struct Identity
{
	Oid userid;
	int sec;
} Identity;

bool
rcs_txn_replicated(void)
{
	return replicated;
}

void
rcs_txn_cancel(SIGNAL_ARGS)
{
	if (!in_txn)
		return;
	canceled = true;
	RcsPassSignal(StatementCancelHandler);
}

void
rcs_txn_cancel_commit(SIGNAL_ARGS)
{
	if (committing)
		RcsPassSignal(rcs_txn_cancel);
}

static void
become_owner(Oid owner, Identity *before)
{
	GetUserIdAndSecContext(&before->userid, &before->sec);
	SetUserIdAndSecContext(owner, before->sec | SECURITY_LOCAL_USERID_CHANGE |
									  SECURITY_RESTRICTED_OPERATION);
}

static RcsExtLock
begin(Identity *before)
{
	RcsExt ext;
	RcsExtLock lock;

	SetCurrentStatementStartTimestamp();
	pgstat_report_activity(STATE_RUNNING, NULL);
	StartTransactionCommand();
	lock = rcs_ext_try_lock(&ext);
	if (lock != RCS_EXT_LOCKED)
		return lock;
	if (!OidIsValid(extension))
		extension = ext.oid;
	if (ext.oid != extension)
		return RCS_EXT_GONE;
	if (!ext.version_ok)
		rcs_worker_wrong_version();
	become_owner(ext.owner, before);
	SPI_connect();
	PushActiveSnapshot(GetTransactionSnapshot());
	return RCS_EXT_LOCKED;
}

/*
 * A commit waits for synchronous standbys, however long there are none.  A worker that
 * is asked to leave gives that wait up: before it here, within it by a signal.
 */
static void
commit(void)
{
	committing = true;
	if (ShutdownRequestPending && SyncRepRequested())
	{
		SetConfigOption("synchronous_commit", "local", PGC_USERSET, PGC_S_OVERRIDE);
		canceled = true;
	}
	CommitTransactionCommand();
	committing = in_txn = false;
	/* a request to cancel came too late: it must not hit the next statement */
	QueryCancelPending = false;
	replicated = !canceled || SyncRepStandbyNames == NULL || SyncRepStandbyNames[0] == '\0';
}

static void
finish(const Identity *before)
{
	PopActiveSnapshot();
	SPI_finish();
	SetUserIdAndSecContext(before->userid, before->sec);
	commit();
	pgstat_report_stat(false);
}

/* Who locks a table stops each worker again and again: one line of the log for all of them. */
static void
report_lock(void)
{
	ErrorData *error;

	if (!rcs_slot_blocked(rcs_my_slot()))
		return;
	error = CopyErrorData();
	FlushErrorState();
	ereport(WARNING, (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
					  errmsg("rcs waits for a lock that another session holds"),
					  errdetail("%s", error->message), errhint("rcs_health() says which one."),
					  error->context != NULL ? errcontext("%s", error->context) : 0));
}

/* As in PostgresMain: nothing may interrupt the clearing up. */
static void
clear_up(MemoryContext caller)
{
	HOLD_INTERRUPTS();
	disable_all_timeouts(false);
	QueryCancelPending = false;
	MemoryContextSwitchTo(caller);
	if (geterrcode() == ERRCODE_LOCK_NOT_AVAILABLE)
		report_lock();
	else
		EmitErrorReport();
	AbortOutOfAnyTransaction();
	MemoryContextSwitchTo(caller);
	FlushErrorState();
	RESUME_INTERRUPTS();
}

static RcsExtLock
run_once(void (*body)(void *arg), void *arg)
{
	Identity before;
	RcsExtLock lock = begin(&before);

	if (lock == RCS_EXT_LOCKED)
	{
		body(arg);
		finish(&before);
	}
	else
		AbortOutOfAnyTransaction();
	return lock;
}

static bool
run_caught(void (*body)(void *arg), void *arg, RcsExtLock *lock)
{
	MemoryContext caller = CurrentMemoryContext;
	volatile bool fine = true;

	Assert(!IsTransactionState());
	in_txn = true;
	committing = canceled = false;
	PG_TRY();
	{
		*lock = run_once(body, arg);
	}
	PG_CATCH();
	{
		clear_up(caller);
		fine = false;
	}
	PG_END_TRY();
	in_txn = committing = false;
	QueryCancelPending = false;
	MemoryContextSwitchTo(caller);
	pgstat_report_activity(STATE_IDLE, NULL);
	return fine;
}

/* False with "busy" when another transaction is altering the extension. */
static bool
try_once(void (*body)(void *arg), void *arg, bool *busy)
{
	RcsExtLock lock = RCS_EXT_GONE;

	*busy = false;
	if (!run_caught(body, arg, &lock))
		return false;
	if (lock == RCS_EXT_GONE)
		rcs_worker_extension_gone();
	*busy = lock != RCS_EXT_LOCKED;
	return !*busy;
}

bool
rcs_txn_run(void (*body)(void *arg), void *arg)
{
	for (;;)
	{
		bool busy;
		bool done = try_once(body, arg, &busy);

		if (done || !busy || !rcs_worker_pause(BUSY_PAUSE_MS))
			return done;
	}
}

bool
rcs_txn_try(void (*body)(void *arg), void *arg)
{
	bool busy;

	return try_once(body, arg, &busy);
}
