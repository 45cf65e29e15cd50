/*
 * wait.c
 *		rcs_wait: waits until all messages that may be sent now have been sent.
 *
 * The backend looks every few milliseconds with the latest snapshot, and holds
 * no snapshot in between but that of its own statement.  It must not know how
 * messages are sent.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/arguments.h"
#include "base/statement.h"
#include "process/owner.h"
#include "process/wakeup.h"
#include "queue/outbox_people.h"

#define FIRST_NAP 10 /* ms */
#define LONGEST_NAP 50

/*
 * True when a batch of this campaign may be sent by $1.  A batch with a reason
 * was put back or offered before: it waits for the carrier and counts as unsent
 * at any due time, unless it is advertising that waits for the hour.  Each of the
 * three questions has an index, so a million scheduled messages cost nothing.
 */
#define MAY_BE_SENT(campaign_no)                                             \
	"(EXISTS (SELECT FROM rcs.batch b WHERE b.campaign_no = " campaign_no    \
	"  AND b.state = 'q' AND b.due_at <= $1)"                                \
	" OR EXISTS (SELECT FROM rcs.batch b WHERE b.campaign_no = " campaign_no \
	"  AND b.state = 'l')"                                                   \
	" OR EXISTS (SELECT FROM rcs.batch b WHERE b.campaign_no = " campaign_no \
	"  AND b.reason IS NOT NULL AND (b.reason LIKE '" RCS_OUTSIDE_AD_HOURS "%') IS FALSE))"

static RcsStatement all_done = {
	"SELECT NOT " MAY_BE_SENT(
		"0") " AND NOT EXISTS (SELECT FROM rcs.campaign c WHERE c.canceled_at IS NULL AND c.paused_at IS NULL"
			 "  AND coalesce(c.started_at, c.start_at) <= $1 AND " MAY_BE_SENT("c.campaign_no") ")",
	1,
	{TIMESTAMPTZOID},
	NULL};
static RcsStatement campaign_done =
	{"SELECT NOT EXISTS (SELECT FROM rcs.batch b WHERE b.campaign_no = c.campaign_no)"
	 " FROM rcs.campaign c WHERE c.id = $1",
	 1,
	 {UUIDOID},
	 NULL};
static RcsStatement message_done =
	{"SELECT s.status NOT IN ('queued', 'sending') FROM rcs.message_status s WHERE s.id = $1",
	 1,
	 {UUIDOID},
	 NULL};

typedef enum WaitAnswer
{
	WAIT_UNKNOWN,
	WAIT_DONE,
	WAIT_UNSENT
} WaitAnswer;

/*
 * With the latest snapshot: in REPEATABLE READ the transaction's own would
 * never show that anything was sent.
 */
static WaitAnswer
look(RcsStatement *question, const pg_uuid_t *id)
{
	Datum values[] = {id == NULL ? TimestampTzGetDatum(GetCurrentTimestamp()) : UUIDPGetDatum(id)};
	WaitAnswer answer = WAIT_UNKNOWN;
	bool isnull;

	SPI_connect();
	if (question->plan == NULL)
	{
		SPIPlanPtr plan = SPI_prepare(question->sql, question->nargs, question->types);

		if (plan == NULL || SPI_keepplan(plan) != 0)
			ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
							errmsg("could not prepare a look at the queue")));
		question->plan = plan;
	}
	if (SPI_execute_snapshot(question->plan, values, NULL, GetLatestSnapshot(), InvalidSnapshot,
							 true, false, 1) != SPI_OK_SELECT)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not read the queue")));
	if (SPI_processed > 0)
		answer = DatumGetBool(rcs_column(0, 1, &isnull)) ? WAIT_DONE : WAIT_UNSENT;
	SPI_finish();
	return answer;
}

/* Chooses the question for an id; an unknown id is an error. */
static RcsStatement *
choose_question(const pg_uuid_t *id)
{
	if (id == NULL)
		return &all_done;
	if (look(&campaign_done, id) != WAIT_UNKNOWN)
		return &campaign_done;
	if (look(&message_done, id) != WAIT_UNKNOWN)
		return &message_done;
	ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
					errmsg("there is no message or campaign \"%s\"", rcs_uuid_text(id))));
}

static void
nap(TimestampTz end, long longest)
{
	long ms = longest;

	if (!TIMESTAMP_IS_NOEND(end))
		ms = Min(longest, TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end) + 1);
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ms,
					 PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

static bool
wait_until(RcsStatement *question, const pg_uuid_t *id, TimestampTz end)
{
	for (long longest = FIRST_NAP;; longest = Min(longest + FIRST_NAP, LONGEST_NAP))
	{
		/* a message that was purged meanwhile counts as sent */
		if (look(question, id) != WAIT_UNSENT)
			return true;
		if (GetCurrentTimestamp() >= end)
			return false;
		nap(end, longest);
	}
}

/* Without a time-out it waits for ever. */
static TimestampTz
end_of_wait(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		return DT_NOEND;
	return DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
												   TimestampTzGetDatum(GetCurrentTimestamp()),
												   PG_GETARG_DATUM(0)));
}

PG_FUNCTION_INFO_V1(rcs_wait);
Datum
rcs_wait(PG_FUNCTION_ARGS)
{
	pg_uuid_t *id = PG_ARGISNULL(1) ? NULL : PG_GETARG_UUID_P(1);
	TimestampTz end = end_of_wait(fcinfo);
	RcsOwnerScope scope;
	bool done;

	if (rcs_wakeup_enqueued())
		ereport(ERROR, (errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
						errmsg("cannot wait for messages that this transaction has queued"),
						errdetail("They are sent at COMMIT."),
						errhint("Commit first, then call rcs_wait.")));
	rcs_owner_begin(&scope);
	done = wait_until(choose_question(id), id, end);
	rcs_owner_end(&scope);
	PG_RETURN_BOOL(done);
}
