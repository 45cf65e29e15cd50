/*
 * hold.c
 *		rcs_hold() and rcs_resume().
 *
 * This file must not know how a hold stops the workers.
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
#include "hold/identity.h"
#include "process/hold_shared.h"
#include "process/owner.h"
#include "process/wakeup.h"

#define DRAIN_POLL_MS 20

PG_FUNCTION_INFO_V1(rcs_hold_sql);
PG_FUNCTION_INFO_V1(rcs_resume_sql);

/* ---------- the rows of users ---------- */

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

/* Before the rows of other servers are forgotten. */
static RcsStatement accept_contents = {"SELECT rcs._accept_contents()", 0, {0}, NULL};

/* ---------- functions of users ---------- */

/* False: messages are still in flight. */
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
	/* right after a restore, before a worker has looked, it counts too */
	if (n > 0 || rcs_identity_is_suspect())
	{
		rcs_execute(&accept_contents, NULL, NULL);
		rcs_identity_adopt(true, false);
		n = Max(n, 1);
	}
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

/* Trigger on rcs.hold and rcs._origin: workers read them at COMMIT, whoever wrote there. */
PG_FUNCTION_INFO_V1(rcs_hold_changed);
Datum
rcs_hold_changed(PG_FUNCTION_ARGS)
{
	rcs_hold_announce();
	return PointerGetDatum(NULL);
}
