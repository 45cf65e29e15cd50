/*
 * cancel.c
 *		rcs_cancel: a message that is still unsent never will be sent.
 *
 * The row of its batch is locked first, as every transaction of a worker does:
 * that lock decides between the two.  This file must not know how messages are
 * queued or leased.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"

#include "account/rights.h"
#include "base/statement.h"
#include "campaign/campaign.h"
#include "process/owner.h"
#include "queue/outbox.h"
#include "queue/stored_message.h"

#define MAX_MOVES 100 /* a message that changes batches while we look */

typedef struct LiveBatch
{
	int64 batch_id;
	int attempt;
	bool unknown;  /* an earlier offer is in doubt */
	bool canceled; /* this message, already */
} LiveBatch;

typedef enum CancelAnswer
{
	CANCEL_YES,
	CANCEL_NO,
	CANCEL_LOOK_AGAIN /* the message is moving to another batch */
} CancelAnswer;

#define LIVE_COLUMNS                                                                                    \
	"SELECT b.batch_id, b.attempt, b.unknown_since IS NOT NULL, coalesce($3 = ANY (b.canceled), false)" \
	" FROM rcs.batch b WHERE b.campaign_no = $1"

/* a retry names the messages it is for, and is later than the batch it comes from */
static RcsStatement lock_retry =
	{LIVE_COLUMNS
	 " AND b.origin = $2 AND $3 = ANY (b.ords) ORDER BY b.attempt DESC LIMIT 1 FOR UPDATE",
	 3,
	 {INT8OID, INT8OID, INT4OID},
	 NULL};
static RcsStatement lock_original = {LIVE_COLUMNS
									 " AND b.batch_id = $2 AND b.ords IS NULL FOR UPDATE",
									 3,
									 {INT8OID, INT8OID, INT4OID},
									 NULL};

static bool
lock_live_batch(const RcsStoredMessage *m, LiveBatch *live)
{
	Datum values[] = {Int64GetDatum(m->campaign_no), Int64GetDatum(m->batch_id),
					  Int32GetDatum(m->ord)};
	bool isnull;

	if (rcs_execute(&lock_retry, values, NULL) == 0 &&
		rcs_execute(&lock_original, values, NULL) == 0)
		return false;
	live->batch_id = rcs_column_int64(0, 1);
	live->attempt = (int) rcs_column_int64(0, 2);
	live->unknown = DatumGetBool(rcs_column(0, 3, &isnull));
	live->canceled = DatumGetBool(rcs_column(0, 4, &isnull));
	return true;
}

static RcsStatement latest_result =
	{"SELECT r.outcome::text, r.attempt FROM rcs.result r"
	 " WHERE r.campaign_no = $1 AND r.batch_id = $2 AND r.ord = $3 ORDER BY r.attempt DESC LIMIT 1",
	 3,
	 {INT8OID, INT8OID, INT4OID},
	 NULL};

/* 0 when there is none */
static char
read_latest_result(const RcsStoredMessage *m, int *attempt)
{
	Datum values[] = {Int64GetDatum(m->campaign_no), Int64GetDatum(m->batch_id),
					  Int32GetDatum(m->ord)};

	*attempt = 0;
	if (rcs_execute(&latest_result, values, NULL) == 0)
		return 0;
	*attempt = (int) rcs_column_int64(0, 2);
	return rcs_column_text(0, 1, CurrentMemoryContext)[0];
}

static bool
is_final(char outcome)
{
	return outcome != 0 && outcome != RCS_REFUSED && outcome != RCS_UNKNOWN &&
		   outcome != RCS_WITHDRAWN;
}

static RcsStatement is_offered =
	{"SELECT FROM rcs.intent i WHERE i.campaign_no = $1 AND i.batch_id = $2 AND i.attempt = $3"
	 " AND $4 = ANY (i.ords) LIMIT 1",
	 4,
	 {INT8OID, INT8OID, INT2OID, INT4OID},
	 NULL};

static bool
is_being_offered(const RcsStoredMessage *m, int attempt)
{
	Datum values[] = {Int64GetDatum(m->campaign_no), Int64GetDatum(m->batch_id),
					  Int16GetDatum(attempt), Int32GetDatum(m->ord)};

	return rcs_execute(&is_offered, values, NULL) > 0;
}

static RcsStatement insert_canceled =
	{"INSERT INTO rcs.result (campaign_no, batch_id, ord, attempt, outcome, at, reason)"
	 " VALUES ($1, $2, $3, $4, 'c', clock_timestamp(), 'canceled by rcs_cancel')",
	 4,
	 {INT8OID, INT8OID, INT4OID, INT2OID},
	 NULL};
static RcsStatement delete_single =
	{"DELETE FROM rcs.batch WHERE campaign_no = 0 AND batch_id = $1", 1, {INT8OID}, NULL};
static RcsStatement mark_canceled = {"UPDATE rcs.batch SET canceled = array_append(canceled, $3)"
									 " WHERE campaign_no = $1 AND batch_id = $2",
									 3,
									 {INT8OID, INT8OID, INT4OID},
									 NULL};

/* The worker reads "canceled" under the same lock before it writes an intent. */
static void
write_cancel(const RcsStoredMessage *m, const LiveBatch *live)
{
	Datum result[] = {Int64GetDatum(m->campaign_no), Int64GetDatum(m->batch_id),
					  Int32GetDatum(m->ord), Int16GetDatum(live->attempt)};
	Datum batch[] = {Int64GetDatum(m->campaign_no), Int64GetDatum(live->batch_id),
					 Int32GetDatum(m->ord)};

	rcs_execute(&insert_canceled, result, NULL);
	if (m->campaign_no == 0)
		rcs_execute(&delete_single, batch + 1, NULL);
	else
		rcs_execute(&mark_canceled, batch, NULL);
}

/*
 * The message's result is read after its batch is locked.  A batch that is
 * gone, or that the message has left, was replaced while we waited.
 */
static CancelAnswer
try_cancel(const RcsStoredMessage *m)
{
	LiveBatch live;
	bool found = lock_live_batch(m, &live);
	int attempt;
	char outcome = read_latest_result(m, &attempt);

	if (is_final(outcome))
		return outcome == RCS_CANCELED ? CANCEL_YES : CANCEL_NO;
	if (!found || attempt >= live.attempt)
		return CANCEL_LOOK_AGAIN;
	if (live.canceled)
		return CANCEL_YES;
	if (live.unknown || is_being_offered(m, live.attempt))
		return CANCEL_NO;
	write_cancel(m, &live);
	return CANCEL_YES;
}

static bool
cancel_message(const RcsStoredMessage *m)
{
	for (int i = 0; i < MAX_MOVES; i++)
	{
		CancelAnswer answer = try_cancel(m);

		if (answer != CANCEL_LOOK_AGAIN)
			return answer == CANCEL_YES;
		CHECK_FOR_INTERRUPTS();
	}
	ereport(ERROR,
			(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
			 errmsg("message \"%s\" is just being handled by a worker", rcs_uuid_text(&m->id)),
			 errhint("Try again.")));
}

PG_FUNCTION_INFO_V1(rcs_cancel);
Datum
rcs_cancel(PG_FUNCTION_ARGS)
{
	Oid caller = GetUserId();
	RcsOwnerScope scope;
	RcsStoredMessage *m;
	bool canceled;

	rcs_require_argument(PG_ARGISNULL(0), "message");
	rcs_owner_begin(&scope);
	SPI_connect();
	m = rcs_stored_message_load(PG_GETARG_UUID_P(0));
	if (!rcs_may_steer(caller, m->created_by, m->chatbot))
		rcs_refuse_stranger(&m->id,
							"Only its creator and members of its chatbot's owner may cancel it.");
	canceled = cancel_message(m);
	SPI_finish();
	rcs_owner_end(&scope);
	PG_RETURN_BOOL(canceled);
}
