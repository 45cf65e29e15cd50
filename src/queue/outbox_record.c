/*
 * outbox_record.c
 *		Writing down what happens: intents, results, retries, the end of a batch.
 *
 * Rows of rcs.intent and rcs.result are inserted and never touched again;
 * rcs.batch is the only table that is updated.  It knows no HTTP.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/statement.h"
#include "queue/outbox.h"

#define INSERT_RESULTS                                                                                \
	"INSERT INTO rcs.result (campaign_no, batch_id, ord, attempt, outcome, at, code, server, reason)" \
	" SELECT $1, u.* FROM unnest($2, $3, $4, $5, $6, $7, $8, $9) u"
#define RESULT_TYPES                                                                          \
	9,                                                                                        \
	{                                                                                         \
		INT8OID, INT8ARRAYOID, INT4ARRAYOID, INT2ARRAYOID, CHARARRAYOID, TIMESTAMPTZARRAYOID, \
			TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID                                          \
	}

static RcsStatement insert_results = {INSERT_RESULTS, RESULT_TYPES, NULL};
static RcsStatement insert_new_results = {INSERT_RESULTS " ON CONFLICT DO NOTHING", RESULT_TYPES,
										  NULL};

/*
 * An attempt has one result, and somebody else's row may be there first: then
 * it stays, or no turn would ever succeed again.  Looking out for that costs
 * WAL, so it is asked for only after a failure.
 */
void
rcs_outbox_results(int64 campaign_no, const RcsResultRow *rows, int n, bool after_failure)
{
	Datum *batch = palloc(sizeof(Datum) * n);
	Datum *ord = palloc(sizeof(Datum) * n);
	Datum *attempt = palloc(sizeof(Datum) * n);
	Datum *outcome = palloc(sizeof(Datum) * n);
	Datum *at = palloc(sizeof(Datum) * n);
	const char **code = palloc(sizeof(char *) * n);
	const char **server = palloc(sizeof(char *) * n);
	const char **reason = palloc(sizeof(char *) * n);
	Datum values[9];

	for (int i = 0; i < n; i++)
	{
		batch[i] = Int64GetDatum(rows[i].batch_id);
		ord[i] = Int32GetDatum(rows[i].ord);
		attempt[i] = Int16GetDatum((int16) rows[i].attempt);
		outcome[i] = CharGetDatum(rows[i].outcome);
		at[i] = TimestampTzGetDatum(rows[i].at);
		code[i] = rows[i].code;
		server[i] = rows[i].server;
		reason[i] = rows[i].reason;
	}
	values[0] = Int64GetDatum(campaign_no);
	values[1] =
		PointerGetDatum(construct_array(batch, n, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[2] = PointerGetDatum(construct_array(ord, n, INT4OID, 4, true, TYPALIGN_INT));
	values[3] = PointerGetDatum(construct_array(attempt, n, INT2OID, 2, true, TYPALIGN_SHORT));
	values[4] = PointerGetDatum(construct_array(outcome, n, CHAROID, 1, true, TYPALIGN_CHAR));
	values[5] = PointerGetDatum(
		construct_array(at, n, TIMESTAMPTZOID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[6] = PointerGetDatum(rcs_text_array(code, n));
	values[7] = PointerGetDatum(rcs_text_array(server, n));
	values[8] = PointerGetDatum(rcs_text_array(reason, n));
	rcs_execute(after_failure ? &insert_new_results : &insert_results, values, NULL);
}

static RcsStatement insert_intent = {
	"INSERT INTO rcs.intent (campaign_no, batch_id, attempt, version, generation, at, server, ords)"
	" VALUES ($1, $2, $3, $4, $5, now(), $6, $7)",
	7,
	{INT8OID, INT8OID, INT2OID, INT4OID, INT8OID, TEXTOID, INT4ARRAYOID},
	NULL};

void
rcs_outbox_intents(int64 campaign_no, int64 generation, const RcsIntentRow *rows, int n)
{
	for (int i = 0; i < n; i++)
	{
		Datum values[] = {Int64GetDatum(campaign_no),
						  Int64GetDatum(rows[i].batch_id),
						  Int16GetDatum((int16) rows[i].attempt),
						  Int32GetDatum(rows[i].version),
						  Int64GetDatum(generation),
						  CStringGetTextDatum(rows[i].server),
						  PointerGetDatum(rcs_int32_array(rows[i].ords, rows[i].nords))};

		rcs_execute(&insert_intent, values, NULL);
	}
}

static RcsStatement insert_retry =
	{"INSERT INTO rcs.batch (campaign_no, batch_id, n, due_at, attempt, answers, origin, ords,"
	 "  version, unknown_since, server, reason)"
	 " VALUES ($1, nextval('rcs.batch_id_seq'), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
	 11,
	 {INT8OID, INT4OID, TIMESTAMPTZOID, INT2OID, INT2OID, INT8OID, INT4ARRAYOID, INT4OID,
	  TIMESTAMPTZOID, TEXTOID, TEXTOID},
	 NULL};

/* A small new batch for messages of an older one. */
void
rcs_outbox_retry(int64 campaign_no, const RcsBatchRow *retry, const char *reason)
{
	char nulls[] = "           ";
	Datum values[] = {Int64GetDatum(campaign_no),
					  Int32GetDatum(retry->nords),
					  TimestampTzGetDatum(retry->due_at),
					  Int16GetDatum((int16) retry->attempt),
					  Int16GetDatum((int16) retry->answers),
					  Int64GetDatum(retry->origin),
					  PointerGetDatum(rcs_int32_array(retry->ords, retry->nords)),
					  Int32GetDatum(retry->version),
					  TimestampTzGetDatum(retry->unknown_since),
					  retry->server == NULL ? (Datum) 0 : CStringGetTextDatum(retry->server),
					  reason == NULL ? (Datum) 0 : CStringGetTextDatum(reason)};

	nulls[7] = retry->version == 0 ? 'n' : ' ';
	nulls[8] = retry->unknown_since == 0 ? 'n' : ' ';
	nulls[9] = retry->server == NULL ? 'n' : ' ';
	nulls[10] = reason == NULL ? 'n' : ' ';
	rcs_execute(&insert_retry, values, nulls);
}

/* By key: "state = 'l'" would admit the index of leases, which is full of dead rows. */
/* One look into the primary key for each, whatever the planner believes; the rows are locked. */
#define ROWS_BY_KEY                                          \
	"(SELECT k.tid FROM unnest($2) u(id) CROSS JOIN LATERAL" \
	" (SELECT q.ctid AS tid FROM rcs.batch q"                \
	"  WHERE q.campaign_no = $1 AND q.batch_id = u.id OFFSET 0) k) l"

static RcsStatement put_back = {"UPDATE rcs.batch b SET state = 'q', generation = NULL,"
								"  due_at = coalesce($3, b.due_at), reason = $4"
								" FROM " ROWS_BY_KEY
								" WHERE b.campaign_no = $1 AND b.ctid = l.tid AND b.state <> 'q'",
								4,
								{INT8OID, INT8ARRAYOID, TIMESTAMPTZOID, TEXTOID},
								NULL};

/* Hand back leases of which no message was offered; due_at 0 leaves it as it is. */
void
rcs_outbox_put_back(int64 campaign_no, const int64 *ids, int nids, TimestampTz due_at,
					const char *reason)
{
	char nulls[] = "    ";
	Datum values[] = {Int64GetDatum(campaign_no), PointerGetDatum(rcs_int64_array(ids, nids)),
					  TimestampTzGetDatum(due_at),
					  reason == NULL ? (Datum) 0 : CStringGetTextDatum(reason)};

	nulls[2] = due_at == 0 ? 'n' : ' ';
	nulls[3] = reason == NULL ? 'n' : ' ';
	rcs_execute(&put_back, values, nulls);
}

/*
 * A try that was put off is so for as long as before; anything else that was due
 * then is due now, and what is scheduled for later keeps its date.
 */
static RcsStatement set_back = {
	"UPDATE rcs.batch b SET due_at = greatest(clock_timestamp(), b.due_at - make_interval(secs => $2))"
	" WHERE (b.campaign_no = 0) = $1 AND b.state = 'q' AND b.due_at > clock_timestamp()"
	"  AND (b.attempt > 0 OR b.due_at <= clock_timestamp() + make_interval(secs => $2))",
	2,
	{BOOLOID, FLOAT8OID},
	NULL};

/* One that has been started is so for everybody who asks, also behind the date of its start. */
static RcsStatement set_back_starts =
	{"UPDATE rcs.campaign SET started_at = clock_timestamp() WHERE started_at > clock_timestamp()",
	 0,
	 {0},
	 NULL};

/* The clock was set back by so much: what there is of this lane follows it. */
void
rcs_outbox_set_back(bool singles, int64 us)
{
	Datum values[] = {BoolGetDatum(singles), Float8GetDatum(us / 1000000.0)};

	rcs_execute(&set_back, values, NULL);
	if (!singles)
		rcs_execute(&set_back_starts, NULL, NULL);
}

static RcsStatement close_batches = {"DELETE FROM rcs.batch b USING " ROWS_BY_KEY
									 " WHERE b.campaign_no = $1 AND b.ctid = l.tid",
									 2,
									 {INT8OID, INT8ARRAYOID},
									 NULL};

void
rcs_outbox_close(int64 campaign_no, const int64 *ids, int nids)
{
	Datum values[] = {Int64GetDatum(campaign_no), PointerGetDatum(rcs_int64_array(ids, nids))};

	rcs_execute(&close_batches, values, NULL);
}

static RcsStatement insert_tally =
	{"INSERT INTO rcs.tally (campaign_no, what, n) VALUES ($1, $2, $3)",
	 3,
	 {INT8OID, TEXTOID, INT8OID},
	 NULL};

void
rcs_outbox_tally(int64 campaign_no, const char *what, int64 n)
{
	Datum values[] = {Int64GetDatum(campaign_no), CStringGetTextDatum(what), Int64GetDatum(n)};

	if (n != 0)
		rcs_execute(&insert_tally, values, NULL);
}

/* ---------- after a worker died ---------- */

static RcsStatement generations =
	{"SELECT DISTINCT b.generation FROM rcs.batch b WHERE b.state = 'l'", 0, {0}, NULL};

/* The generations that hold leases, dead or alive. */
int
rcs_outbox_generations(int64 **found)
{
	int n = (int) rcs_execute(&generations, NULL, NULL);

	*found = palloc(sizeof(int64) * Max(n, 1));
	for (int i = 0; i < n; i++)
		(*found)[i] = rcs_column_int64(i, 1);
	return n;
}

/* None at all, when another worker has just taken them apart, are not old ones. */
static RcsStatement leased_messages = {
	"SELECT coalesce(min(m.created_at), 'infinity'), coalesce(bool_and(m.batch_id IS NOT NULL), true)"
	" FROM rcs.batch b LEFT JOIN rcs.message m"
	"  ON m.campaign_no = b.campaign_no AND m.batch_id = coalesce(b.origin, b.batch_id)"
	" WHERE b.state = 'l' AND b.generation = $1",
	1,
	{INT8OID},
	NULL};

/* When the oldest message of these leases was made; false: some have no messages. */
bool
rcs_outbox_leased_messages(int64 generation, TimestampTz *oldest)
{
	Datum values[] = {Int64GetDatum(generation)};
	bool isnull;

	rcs_execute(&leased_messages, values, NULL);
	*oldest = rcs_column_int64(0, 1);
	return DatumGetBool(rcs_column(0, 2, &isnull));
}

static RcsStatement recover = {"SELECT rcs._recover($1, $2, $3, $4)",
							   4,
							   {INT8OID, BOOLOID, FLOAT8OID, FLOAT8OID},
							   NULL};

/* Take the leases of a dead generation apart; the number of messages in doubt. */
int64
rcs_outbox_recover(int64 generation, bool hold, double settle_s, double window_s)
{
	Datum values[] = {Int64GetDatum(generation), BoolGetDatum(hold), Float8GetDatum(settle_s),
					  Float8GetDatum(window_s)};

	rcs_execute(&recover, values, NULL);
	return rcs_column_int64(0, 1);
}

static RcsStatement fold = {"WITH old AS (DELETE FROM rcs.tally t"
							" WHERE t.campaign_no = $1 AND t.at < now() - interval '1 minute'"
							" RETURNING t.what, t.n, t.at, t.reported)"
							" INSERT INTO rcs.tally (campaign_no, what, n, at, reported)"
							" SELECT $1, old.what, sum(old.n), max(old.at), old.reported FROM old"
							" GROUP BY old.what, old.reported",
							1,
							{INT8OID},
							NULL};

/* There are twelve counts, each by a report or not: folded, a campaign has at most 24 rows. */
static RcsStatement to_fold = {"SELECT t.campaign_no FROM rcs.tally t GROUP BY t.campaign_no"
							   " HAVING count(*) > 500"
							   " OR count(*) > 24 AND max(t.at) < now() - interval '1 minute'",
							   0,
							   {0},
							   NULL};

/*
 * Fold the tallies of campaigns that have gathered very many, and of those that have become
 * silent; the latest minute stays as it is, since the speed of a campaign is read from it.
 * One folds at a time: only the first worker for campaigns calls this.
 */
void
rcs_outbox_fold(void)
{
	int n = (int) rcs_execute(&to_fold, NULL, NULL);
	int64 *nos = palloc(sizeof(int64) * Max(n, 1));

	for (int i = 0; i < n; i++)
		nos[i] = rcs_column_int64(i, 1);
	for (int i = 0; i < n; i++)
	{
		Datum values[] = {Int64GetDatum(nos[i])};

		rcs_execute(&fold, values, NULL);
	}
}

static RcsStatement count_events = {"SELECT rcs._count_events($1)", 1, {INT4OID}, NULL};

/* Bring at most so many reports into the counts of their campaigns; how many there were. */
int
rcs_outbox_count_events(int most)
{
	Datum values[] = {Int32GetDatum(most)};

	rcs_execute(&count_events, values, NULL);
	return (int) rcs_column_int64(0, 1);
}

static RcsStatement number_changes = {"SELECT rcs._number_changes()", 0, {0}, NULL};

/* Make what has changed and committed part of the feed. */
void
rcs_outbox_number_changes(void)
{
	rcs_execute(&number_changes, NULL, NULL);
}

/* Not while somebody steers it, nor when it has been resumed since; no worker waits for that. */
static RcsStatement pause_campaign =
	{"WITH p AS (UPDATE rcs.campaign c SET paused_at = clock_timestamp(), pause_reason = $3"
	 "  WHERE c.campaign_no = (SELECT k.campaign_no FROM rcs.campaign k WHERE k.campaign_no = $1"
	 "   AND k.paused_at IS NULL AND k.canceled_at IS NULL"
	 "   AND k.resumed_at IS NOT DISTINCT FROM $2 FOR UPDATE SKIP LOCKED)"
	 "  RETURNING c.campaign_no)"
	 " INSERT INTO rcs.campaign_event (campaign_no, what, who, detail)"
	 " SELECT p.campaign_no, 'paused', 'rcs', jsonb_build_object('reason', $3) FROM p",
	 3,
	 {INT8OID, TIMESTAMPTZOID, TEXTOID},
	 NULL};

bool
rcs_outbox_pause(int64 campaign_no, TimestampTz resumed_at, const char *reason)
{
	Datum values[] = {Int64GetDatum(campaign_no), TimestampTzGetDatum(resumed_at),
					  CStringGetTextDatum(reason)};

	return rcs_execute(&pause_campaign, values, resumed_at == 0 ? " n " : NULL) > 0;
}
