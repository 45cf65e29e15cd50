/*
 * cancel.c
 *		One message that is there already: rcs_cancel, rcs_message, and the
 *		preview of a campaign.
 *
 * Whoever cancels takes the batch row first, as every transaction of a worker
 * does: that lock decides between the two.  It must not know how messages are
 * queued or leased.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "account/rights.h"
#include "base/rows.h"
#include "base/statement.h"
#include "campaign/campaign.h"
#include "message/draft.h"
#include "message/message_id.h"
#include "process/owner.h"
#include "queue/outbox.h"
#include "queue/send.h"

#define MAX_MOVES 100 /* a message that changes batches while we look */

typedef struct StoredMessage
{
	pg_uuid_t id;
	int64 campaign_no;
	int64 batch_id;
	int ord;
	char *created_by;
	char *chatbot;
	pg_uuid_t campaign; /* if campaign_no > 0 */
	Jsonb *message;		/* NULL for a campaign, or when erased */
	Jsonb *params;
	bool erased;
} StoredMessage;

/* ---------- finding ---------- */

static Jsonb *
column_jsonb(uint64 row, int column, MemoryContext cxt)
{
	bool isnull;
	Datum d = rcs_column(row, column, &isnull);
	MemoryContext old = MemoryContextSwitchTo(cxt);
	Jsonb *copy = isnull ? NULL : DatumGetJsonbPCopy(d);

	MemoryContextSwitchTo(old);
	return copy;
}

static RcsStatement find_message =
	{"SELECT m.campaign_no, m.batch_id, m.ord, coalesce(c.created_by, m.created_by),"
	 " coalesce(c.chatbot, m.chatbot), c.id, m.message, m.params, (m.phone IS NULL)::int::int8"
	 " FROM rcs.message m LEFT JOIN rcs.campaign c ON c.campaign_no = m.campaign_no"
	 " WHERE m.id = $1 ORDER BY m.campaign_no LIMIT 1",
	 1,
	 {UUIDOID},
	 NULL};

static StoredMessage *
load_message(const pg_uuid_t *id)
{
	Datum values[] = {UUIDPGetDatum(id)};
	MemoryContext cxt = CurrentMemoryContext;
	StoredMessage *m = palloc0(sizeof(StoredMessage));
	Datum campaign;
	bool isnull;

	if (rcs_execute(&find_message, values, NULL) == 0)
		ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
						errmsg("message \"%s\" does not exist", rcs_uuid_text(id))));
	m->id = *id;
	m->campaign_no = rcs_column_int64(0, 1);
	m->batch_id = rcs_column_int64(0, 2);
	m->ord = (int) rcs_column_int64(0, 3);
	m->created_by = rcs_column_text(0, 4, cxt);
	m->chatbot = rcs_column_text(0, 5, cxt);
	campaign = rcs_column(0, 6, &isnull);
	if (!isnull)
		m->campaign = *DatumGetUUIDP(campaign);
	m->message = column_jsonb(0, 7, cxt);
	m->params = column_jsonb(0, 8, cxt);
	m->erased = rcs_column_int64(0, 9) != 0;
	return m;
}

static void
refuse_stranger(const pg_uuid_t *id, const char *hint)
{
	ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					errmsg("permission denied for message \"%s\"", rcs_uuid_text(id)),
					errhint("%s", hint)));
}

/* ---------- cancel ---------- */

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
lock_live_batch(const StoredMessage *m, LiveBatch *live)
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
read_latest_result(const StoredMessage *m, int *attempt)
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
is_being_offered(const StoredMessage *m, int attempt)
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
write_cancel(const StoredMessage *m, const LiveBatch *live)
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
try_cancel(const StoredMessage *m)
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
cancel_message(const StoredMessage *m)
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
	StoredMessage *m;
	bool canceled;

	rcs_require_argument(PG_ARGISNULL(0), "message");
	rcs_owner_begin(&scope);
	SPI_connect();
	m = load_message(PG_GETARG_UUID_P(0));
	if (!rcs_may_steer(caller, m->created_by, m->chatbot))
		refuse_stranger(&m->id,
						"Only its creator and members of its chatbot's owner may cancel it.");
	canceled = cancel_message(m);
	SPI_finish();
	rcs_owner_end(&scope);
	PG_RETURN_BOOL(canceled);
}

/* ---------- show ---------- */

static RcsStatement offered_version =
	{"SELECT i.version FROM rcs.intent i WHERE i.campaign_no = $1 AND i.batch_id = $2"
	 " AND $3 = ANY (i.ords) ORDER BY i.attempt DESC LIMIT 1",
	 3,
	 {INT8OID, INT8OID, INT4OID},
	 NULL};

/* What was already offered keeps its text. */
static Jsonb *
campaign_text(const StoredMessage *m, MemoryContext cxt)
{
	Datum values[] = {Int64GetDatum(m->campaign_no), Int64GetDatum(m->batch_id),
					  Int32GetDatum(m->ord)};
	RcsCampaign *c = rcs_campaign_load(&m->campaign, false, cxt);
	int version = c->version;

	if (rcs_execute(&offered_version, values, NULL) > 0)
		version = (int) rcs_column_int64(0, 1);
	return rcs_campaign_message(c, version, cxt);
}

static Jsonb *
fill_or_error(Jsonb *message, Jsonb *params)
{
	RcsProblem problem;
	Jsonb *filled = rcs_message_fill(message, params, &problem);

	if (filled == NULL)
		ereport(ERROR, (errcode(problem.sqlstate), errmsg("%s", problem.reason)));
	return filled;
}

PG_FUNCTION_INFO_V1(rcs_message);
Datum
rcs_message(PG_FUNCTION_ARGS)
{
	MemoryContext cxt = CurrentMemoryContext;
	Oid caller = GetUserId();
	RcsOwnerScope scope;
	StoredMessage *m;
	Jsonb *result;
	MemoryContext old;

	rcs_require_argument(PG_ARGISNULL(0), "message");
	rcs_owner_begin(&scope);
	SPI_connect();
	m = load_message(PG_GETARG_UUID_P(0));
	if (!rcs_may_see(caller, m->created_by, m->chatbot))
		refuse_stranger(
			&m->id,
			"It is shown to its creator, members of its chatbot's owner and readers of rcs.message_status.");
	result = m->erased ? NULL : m->campaign_no == 0 ? m->message : campaign_text(m, cxt);
	old = MemoryContextSwitchTo(cxt);
	if (result != NULL)
		result = m->campaign_no == 0 ? DatumGetJsonbPCopy(JsonbPGetDatum(result))
									 : fill_or_error(result, m->params);
	MemoryContextSwitchTo(old);
	SPI_finish();
	rcs_owner_end(&scope);
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(result);
}

/* ---------- preview ---------- */

static RcsStatement first_messages =
	{"SELECT m.phone, m.params FROM rcs.message m WHERE m.campaign_no = $1 AND m.phone IS NOT NULL"
	 " ORDER BY m.batch_id, m.ord LIMIT $2",
	 2,
	 {INT8OID, INT4OID},
	 NULL};
static RcsStatement one_message = {"SELECT m.phone, m.params FROM rcs.message m WHERE m.id = $1",
								   1,
								   {UUIDOID},
								   NULL};

static uint64
select_previews(const RcsCampaign *c, int n, const char *phone)
{
	Datum values[2] = {Int64GetDatum(c->campaign_no), Int32GetDatum(n)};
	pg_uuid_t id;

	if (phone == NULL)
		return rcs_execute(&first_messages, values, NULL);
	rcs_message_id(&c->id, rcs_phone_or_error(phone), 0, &id);
	values[0] = UUIDPGetDatum(&id);
	return rcs_execute(&one_message, values, NULL);
}

static void
put_previews(const RcsCampaign *c, uint64 n, Tuplestorestate *store, TupleDesc desc)
{
	MemoryContext cxt = CurrentMemoryContext;
	SPITupleTable *rows = SPI_tuptable;
	Jsonb *message = rcs_campaign_message(c, c->version, cxt);

	SPI_tuptable = rows;
	for (uint64 i = 0; i < n; i++)
	{
		Datum values[2];
		bool nulls[2] = {false};
		Jsonb *params = column_jsonb(i, 2, cxt);

		CHECK_FOR_INTERRUPTS();
		values[0] = rcs_column(i, 1, &nulls[0]);
		values[1] = JsonbPGetDatum(fill_or_error(message, params));
		tuplestore_putvalues(store, desc, values, nulls);
	}
}

PG_FUNCTION_INFO_V1(rcs_campaign_preview);
Datum
rcs_campaign_preview(PG_FUNCTION_ARGS)
{
	Oid caller = GetUserId();
	RcsOwnerScope scope;
	TupleDesc desc;
	Tuplestorestate *store = rcs_open_rows(fcinfo, &desc);
	RcsCampaign *c;
	int n = PG_ARGISNULL(1) ? 5 : PG_GETARG_INT32(1);

	rcs_require_argument(PG_ARGISNULL(0), "campaign");
	if (n < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("n is negative")));
	rcs_owner_begin(&scope);
	SPI_connect();
	c = rcs_campaign_load(PG_GETARG_UUID_P(0), false, CurrentMemoryContext);
	if (!rcs_may_see(caller, c->created_by, c->chatbot))
		ereport(
			ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for campaign \"%s\"", rcs_uuid_text(&c->id)),
			 errhint(
				 "It is shown to its creator, members of its chatbot's owner and readers of rcs.message_status.")));
	put_previews(c,
				 select_previews(c, n,
								 PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2))),
				 store, desc);
	SPI_finish();
	rcs_owner_end(&scope);
	return (Datum) 0;
}
