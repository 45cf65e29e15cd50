/*
 * outbox_record.c
 *		The record of the workers: intents, results, retries, the end of a batch, counts.
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
 * An attempt has one result.  A row that another process has written first
 * stays, or no turn would ever succeed again.  ON CONFLICT costs WAL, so it is
 * used only after a failure.
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
	 "  version, unknown_since, server, reason, chatbot, sender, urgent)"
	 " VALUES ($1, nextval('rcs.batch_id_seq'), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,"
	 "  $13, $14)",
	 14,
	 {INT8OID, INT4OID, TIMESTAMPTZOID, INT2OID, INT2OID, INT8OID, INT4ARRAYOID, INT4OID,
	  TIMESTAMPTZOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID},
	 NULL};

/* A small new batch for messages of an older one. */
void
rcs_outbox_retry(int64 campaign_no, const RcsBatchRow *retry, const char *reason)
{
	char nulls[] = "              ";
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
					  reason == NULL ? (Datum) 0 : CStringGetTextDatum(reason),
					  retry->chatbot == NULL ? (Datum) 0 : CStringGetTextDatum(retry->chatbot),
					  CStringGetTextDatum(retry->sender),
					  BoolGetDatum(retry->urgent)};

	nulls[7] = retry->version == 0 ? 'n' : ' ';
	nulls[8] = retry->unknown_since == 0 ? 'n' : ' ';
	nulls[9] = retry->server == NULL ? 'n' : ' ';
	nulls[10] = reason == NULL ? 'n' : ' ';
	nulls[11] = retry->chatbot == NULL ? 'n' : ' ';
	rcs_execute(&insert_retry, values, nulls);
}

/*
 * OFFSET 0 forces one look into the primary key for each batch; the rows are
 * locked already.  "state = 'l'" would admit the index of leases, which is full
 * of dead rows.
 */
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

/* Hands back leases of which no message was offered; due_at 0 leaves their time as it is. */
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

/* ---------- counts ---------- */

void
rcs_counts_add(RcsCounts *counts, char outcome, int64 n)
{
	const char *place = outcome == 0 ? NULL : strchr(RCS_FINAL_OUTCOMES, outcome);

	if (place != NULL)
		counts->n[place - RCS_FINAL_OUTCOMES] += n;
}

void
rcs_counts_add_all(RcsCounts *to, const RcsCounts *from)
{
	for (int i = 0; i < lengthof(to->n); i++)
		to->n[i] += from->n[i];
}

bool
rcs_counts_any(const RcsCounts *counts)
{
	for (int i = 0; i < lengthof(counts->n); i++)
		if (counts->n[i] != 0)
			return true;
	return false;
}

static RcsStatement insert_tally = {
	"INSERT INTO rcs.tally (campaign_no, what, n) SELECT $1, w.what, u.n"
	" FROM unnest($2, $3) u(outcome, n) CROSS JOIN LATERAL unnest(rcs._counts_of(u.outcome)) w(what)"
	" WHERE u.n <> 0",
	3,
	{INT8OID, CHARARRAYOID, INT8ARRAYOID},
	NULL};

void
rcs_outbox_tally(int64 campaign_no, const RcsCounts *counts)
{
	Datum outcomes[lengthof(counts->n)];
	Datum values[3];

	if (!rcs_counts_any(counts))
		return;
	for (int i = 0; i < lengthof(outcomes); i++)
		outcomes[i] = CharGetDatum(RCS_FINAL_OUTCOMES[i]);
	values[0] = Int64GetDatum(campaign_no);
	values[1] = PointerGetDatum(
		construct_array(outcomes, lengthof(outcomes), CHAROID, 1, true, TYPALIGN_CHAR));
	values[2] = PointerGetDatum(rcs_int64_array(counts->n, lengthof(counts->n)));
	rcs_execute(&insert_tally, values, NULL);
}
