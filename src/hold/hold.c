/*
 * hold.c
 *		Holds: rcs_hold(), rcs_resume(), and the holds that workers make.
 *
 * A hold is a row of rcs.hold without released_at; what the workers do about it
 * is no business of this file.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "base/pg_compat.h"
#include "base/statement.h"
#include "hold/hold.h"
#include "hold/identity.h"
#include "process/hold_shared.h"
#include "process/owner.h"
#include "process/wakeup.h"

#define DRAIN_POLL_MS 20
#define WORKER "rcs"

PG_FUNCTION_INFO_V1(rcs_hold_sql);
PG_FUNCTION_INFO_V1(rcs_resume_sql);

/* ---------- the table ---------- */

static RcsStatement list_holds = {"SELECT h.server, h.reason, h.who = '" WORKER "' FROM rcs.hold h"
								  " WHERE h.released_at IS NULL ORDER BY h.at",
								  0,
								  {0},
								  NULL};

List *
rcs_hold_list(MemoryContext cxt)
{
	uint64 n = rcs_execute(&list_holds, NULL, NULL);
	List *list = NIL;

	for (uint64 i = 0; i < n; i++)
	{
		MemoryContext old;
		RcsHold *h = MemoryContextAlloc(cxt, sizeof(RcsHold));
		bool isnull;

		h->server = rcs_column_text(i, 1, cxt);
		h->reason = rcs_column_text(i, 2, cxt);
		h->by_worker = DatumGetBool(rcs_column(i, 3, &isnull));
		old = MemoryContextSwitchTo(cxt);
		list = lappend(list, h);
		MemoryContextSwitchTo(old);
	}
	return list;
}

static RcsStatement insert_by_worker =
	{"INSERT INTO rcs.hold (who, server, reason) SELECT '" WORKER "', $1, $2"
	 " WHERE NOT EXISTS (SELECT FROM rcs.hold h WHERE h.released_at IS NULL"
	 "  AND h.server IS NOT DISTINCT FROM $1 AND h.who = '" WORKER "' AND h.reason = $2)",
	 2,
	 {TEXTOID, TEXTOID},
	 NULL};

/* Said once in the log, by the worker that finds it out first. */
void
rcs_hold_by_worker(const char *server, const char *reason)
{
	Datum values[] = {server == NULL ? (Datum) 0 : CStringGetTextDatum(server),
					  CStringGetTextDatum(reason)};

	if (rcs_execute(&insert_by_worker, values, server == NULL ? "n " : "  ") == 0)
		return;
	rcs_hold_announce();
	if (server == NULL)
		ereport(WARNING,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("rcs sends nothing from database %u: it is on hold", MyDatabaseId),
				 errdetail("Reason: %s.", reason),
				 errhint(
					 "If this database is to send, run SELECT rcs_resume('why it may') in it.")));
	else
		ereport(WARNING,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("rcs sends nothing through server \"%s\" from database %u: it is on hold",
						server, MyDatabaseId),
				 errdetail("Reason: %s.", reason),
				 errhint(
					 "If this database is to send, run SELECT rcs_resume('why it may') in it.")));
}

static RcsStatement insert_hold = {"INSERT INTO rcs.hold (who, reason) VALUES ($1, $2)",
								   2,
								   {TEXTOID, TEXTOID},
								   NULL};

static void
write_hold(Oid caller, text *reason)
{
	Datum values[] = {CStringGetTextDatum(GetUserNameFromId(caller, false)),
					  PointerGetDatum(reason)};
	RcsOwnerScope scope;

	rcs_owner_begin(&scope);
	SPI_connect();
	rcs_execute(&insert_hold, values, NULL);
	SPI_finish();
	rcs_owner_end(&scope);
}

static RcsStatement release_holds =
	{"UPDATE rcs.hold SET released_at = clock_timestamp(), released_by = $1, note = $2"
	 " WHERE released_at IS NULL",
	 2,
	 {TEXTOID, TEXTOID},
	 NULL};

/* ---------- functions of users ---------- */

/* False: something is in flight still. */
static bool
wait_for_silence(uint32 number, TimestampTz end)
{
	while (!rcs_hold_is_drained(number))
	{
		if (GetCurrentTimestamp() >= end)
			return false;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, DRAIN_POLL_MS,
						 RcsWaitEvent("RcsDrain"));
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	return true;
}

static void
drain(Datum interval)
{
	TimestampTz end = DatumGetTimestampTz(
		DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(GetCurrentTimestamp()),
							interval));

	if (!wait_for_silence(rcs_hold_request(), end))
		ereport(WARNING,
				(errmsg("messages are still in flight"),
				 errdetail(
					 "Their answers are written down when they come; no further message leaves.")));
}

Datum
rcs_hold_sql(PG_FUNCTION_ARGS)
{
	text *reason = PG_ARGISNULL(0) ? NULL : PG_GETARG_TEXT_PP(0);

	if (reason == NULL || VARSIZE_ANY_EXHDR(reason) == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a hold needs a reason"),
						errhint("Say why nothing may be sent: others will read it.")));
	write_hold(GetUserId(), reason);
	rcs_hold_announce();
	if (!PG_ARGISNULL(1))
		drain(PG_GETARG_DATUM(1));
	PG_RETURN_VOID();
}

Datum
rcs_resume_sql(PG_FUNCTION_ARGS)
{
	Datum values[] = {CStringGetTextDatum(GetUserNameFromId(GetUserId(), false)),
					  PG_ARGISNULL(0) ? (Datum) 0 : PG_GETARG_DATUM(0)};
	RcsOwnerScope scope;
	uint64 n;

	rcs_owner_begin(&scope);
	SPI_connect();
	n = rcs_execute(&release_holds, values, PG_ARGISNULL(0) ? " n" : "  ");
	if (n > 0)
		rcs_identity_adopt(true, false);
	SPI_finish();
	rcs_owner_end(&scope);
	if (n == 0)
		ereport(NOTICE, (errmsg("nothing is on hold")));
	else
	{
		rcs_hold_announce();
		rcs_wakeup_everything();
	}
	PG_RETURN_VOID();
}
