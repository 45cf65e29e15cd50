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

#include "account/rights.h"
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

static RcsStatement whose = {
	"SELECT 1::int8, c.created_by, c.chatbot FROM rcs.campaign c WHERE c.id = $1"
	" UNION ALL SELECT 0, coalesce(c.created_by, m.created_by), coalesce(c.chatbot, m.chatbot)"
	" FROM rcs.message m LEFT JOIN rcs.campaign c ON c.campaign_no = m.campaign_no WHERE m.id = $1",
	1,
	{UUIDOID},
	NULL};

typedef enum WaitAnswer
{
	WAIT_UNKNOWN, /* it was purged */
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

/*
 * Chooses the question for an id.  One error for an unknown id and for one that
 * the caller may not see: an id must not tell who was sent to.
 */
static RcsStatement *
choose_question(const pg_uuid_t *id, Oid caller)
{
	Datum values[] = {UUIDPGetDatum(id)};
	RcsStatement *question = NULL;

	if (id == NULL)
		return &all_done;
	SPI_connect();
	if (rcs_execute_latest(&whose, values) > 0)
	{
		bool is_campaign = rcs_column_int64(0, 1) != 0;
		char *created_by = rcs_column_text(0, 2, CurrentMemoryContext);
		char *chatbot = rcs_column_text(0, 3, CurrentMemoryContext);

		if (rcs_may_see(caller, created_by, chatbot))
			question = is_campaign ? &campaign_done : &message_done;
	}
	SPI_finish();
	if (question == NULL)
	{
		rcs_wait_to_refuse();
		ereport(
			ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("message or campaign \"%s\" does not exist, or is not yours to see",
					rcs_uuid_text(id)),
			 errhint(
				 "Both are shown to their creator, members of their chatbot's owner and readers "
				 "of rcs.message_status.")));
	}
	return question;
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
	Oid caller = GetUserId();
	RcsOwnerScope scope;
	bool done;

	if (rcs_wakeup_enqueued())
		ereport(ERROR, (errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
						errmsg("cannot wait for messages that this transaction has queued"),
						errdetail("They are sent at COMMIT."),
						errhint("Commit first, then call rcs_wait.")));
	rcs_owner_begin(&scope);
	done = wait_until(choose_question(id, caller), id, end);
	rcs_owner_end(&scope);
	PG_RETURN_BOOL(done);
}
