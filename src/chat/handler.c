/*
 * handler.c
 *		Runs the handlers of rules, as a role, and stops those that do not end.
 *
 * At its limit a handler is canceled.  It may catch that and go on; then, at twice
 * the limit or when the process is to stop, the process ends, which cannot be caught.
 * The message of that handler is marked in shared memory, which outlives the
 * process, and its handler is not run again.  Marks stay until a newer one
 * needs the place: an answered message is not looked up any more.
 *
 * This file must not know rules.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "chat/handler.h"
#include "process/my_slot.h"
#include "process/own_lock.h"
#include "process/shmem.h"

#define MAX_MARKS 128 /* more than chat workers, which have one marked message each */

/* The row type tells apart extensions that were dropped and created again, where ids begin anew. */
typedef struct Mark
{
	Oid dboid; /* InvalidOid: not in use */
	Oid type;
	int64 id;
	bool overdue;
} Mark;

typedef struct Shared
{
	TimestampTz since;
	int next;
	Mark marks[MAX_MARKS];
} Shared;

static Shared *shared = NULL;

static TimeoutId last_resort = MAX_TIMEOUTS; /* MAX_TIMEOUTS: not a chat worker */
static Mark current;

/* read or written by signal handlers */
static volatile sig_atomic_t runs = false;
static volatile sig_atomic_t overdue = false;

static void
shared_init(void)
{
	shared->since = GetCurrentTimestamp();
}

void
rcs_handler_init(void)
{
	rcs_shmem_register((void **) &shared, sizeof(Shared), shared_init, "rcs handlers");
}

/* ---------- marks ---------- */

static Mark
mark_of(HeapTupleHeader inbound)
{
	bool isnull;
	Mark mark = {.dboid = MyDatabaseId, .type = HeapTupleHeaderGetTypeId(inbound)};

	mark.id = DatumGetInt64(GetAttributeByName(inbound, "id", &isnull));
	return mark;
}

static bool
find_mark(Mark *mark)
{
	bool found = false;

	if (!rcs_preloaded())
		return false;
	LWLockAcquire(rcs_shmem_lock(RCS_LOCK_HANDLERS), LW_SHARED);
	for (int i = 0; i < MAX_MARKS && !found; i++)
	{
		const Mark *m = &shared->marks[i];

		found = m->dboid == mark->dboid && m->type == mark->type && m->id == mark->id;
		if (found)
			*mark = *m;
	}
	LWLockRelease(rcs_shmem_lock(RCS_LOCK_HANDLERS));
	return found;
}

static const char *
what_it_did(const Mark *mark)
{
	return mark->overdue ? "did not end when it was told to" : "ended its process";
}

/* Marks the message if its handler ends the process; a process that is told to stop is not marked. */
static void
at_exit(int code, Datum arg)
{
	if (!overdue && (!runs || ShutdownRequestPending))
		return;
	current.overdue = overdue;
	LWLockAcquire(rcs_shmem_lock(RCS_LOCK_HANDLERS), LW_EXCLUSIVE);
	shared->marks[shared->next] = current;
	shared->next = (shared->next + 1) % MAX_MARKS;
	LWLockRelease(rcs_shmem_lock(RCS_LOCK_HANDLERS));
	ereport(WARNING, (errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
					  errmsg("the handler of inbound message " INT64_FORMAT " %s", current.id,
							 what_it_did(&current)),
					  errdetail("Another process will give the error_reply of its rule.")));
	rcs_worker_ended_by_handler();
}

/* rcs._handler_fault(inbound): how its handler ended its process; null if it did not. */
PG_FUNCTION_INFO_V1(rcs_handler_fault);
Datum
rcs_handler_fault(PG_FUNCTION_ARGS)
{
	Mark mark = mark_of(PG_GETARG_HEAPTUPLEHEADER(0));

	if (!find_mark(&mark))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(what_it_did(&mark)));
}

/* The time since which marks are kept: the start of the server, or the latest crash of a process. */
PG_FUNCTION_INFO_V1(rcs_handler_since);
Datum
rcs_handler_since(PG_FUNCTION_ARGS)
{
	if (!rcs_preloaded())
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(shared->since);
}

/* ---------- running ---------- */

/* Called by the handler of SIGALRM, which wakes the process. */
static void
end_process(void)
{
	overdue = true;
	InterruptPending = true;
	ProcDiePending = true;
}

void
rcs_handler_open(void)
{
	last_resort = RegisterTimeout(USER_TIMEOUT, end_process);
	/* registered late, so it runs early: the claim of the message is still held */
	before_shmem_exit(at_exit, (Datum) 0);
}

bool
rcs_handler_runs(void)
{
	return runs;
}

static void
start_clocks(int ms)
{
	enable_timeout_after(STATEMENT_TIMEOUT, ms);
	if (last_resort != MAX_TIMEOUTS)
		enable_timeout_after(last_resort, 2 * ms);
}

static void
stop_clocks(void)
{
	disable_timeout(STATEMENT_TIMEOUT, false);
	if (last_resort != MAX_TIMEOUTS)
		disable_timeout(last_resort, false);
}

static Datum
call(Oid function, Datum argument, bool *isnull)
{
	LOCAL_FCINFO(info, 1);
	FmgrInfo finfo;
	Datum result;

	/* a signal that came just before is only a cancel, and the handler might catch that */
	if (ShutdownRequestPending)
		ereport(ERROR, (errcode(ERRCODE_QUERY_CANCELED),
						errmsg("the handler is not run, as its process is to stop")));
	fmgr_info(function, &finfo);
	InitFunctionCallInfoData(*info, &finfo, 1, InvalidOid, NULL, NULL);
	info->args[0].value = argument;
	info->args[0].isnull = false;
	result = FunctionCallInvoke(info);
	*isnull = info->isnull;
	return result;
}

/*
 * rcs._reply_handler(function oid, role oid, inbound, milliseconds).  The
 * function runs as REFRESH MATERIALIZED VIEW runs a query: it cannot leave its
 * role, and its settings end with it.  The statement time-out is used for the
 * limit, so the process must have none of its own.
 */
PG_FUNCTION_INFO_V1(rcs_reply_handler);
Datum
rcs_reply_handler(PG_FUNCTION_ARGS)
{
	int nestlevel = NewGUCNestLevel();
	Oid userid;
	int sec;
	Datum result = (Datum) 0;
	bool isnull = true;

	current = mark_of(PG_GETARG_HEAPTUPLEHEADER(2));
	GetUserIdAndSecContext(&userid, &sec);
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	SetUserIdAndSecContext(PG_GETARG_OID(1),
						   sec | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	runs = true;
	start_clocks(PG_GETARG_INT32(3));
	rcs_own_locks_guard();
	PG_TRY();
	{
		result = call(PG_GETARG_OID(0), PG_GETARG_DATUM(2), &isnull);
	}
	PG_FINALLY();
	{
		stop_clocks();
		runs = false;
		rcs_own_locks_restore();
	}
	PG_END_TRY();
	SetUserIdAndSecContext(userid, sec);
	AtEOXact_GUC(false, nestlevel);
	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(result);
}
