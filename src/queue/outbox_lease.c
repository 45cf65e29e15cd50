/*
 * outbox_lease.c
 *		Taking work: which campaigns have some, leasing batches, reading messages.
 *
 * A lease skips locked rows, so two workers, or a worker and rcs_cancel, never
 * wait for each other here.  Rows are looked up one key at a time (LATERAL), by
 * conditions that no partial index fits (state <> 'l', campaign_no = $2): those
 * indexes may be full of dead rows, and a plan made while a table was small
 * would take them.  It knows no HTTP and no answer of a carrier.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/pg_list.h"
#include "utils/timestamp.h"

#include "base/statement.h"
#include "queue/outbox.h"

/* ---------- rows ---------- */

#define BATCH_COLUMNS                                                       \
	"b.batch_id, b.origin, b.due_at, b.n, b.attempt, b.answers, b.version," \
	" b.unknown_since, b.server, b.ords, b.canceled, b.chatbot, b.sender, b.urgent"

static void
read_batch(uint64 i, RcsBatchRow *row, MemoryContext cxt)
{
	bool isnull;

	row->batch_id = rcs_column_int64(i, 1);
	row->origin = rcs_column_int64(i, 2);
	if (row->origin == 0)
		row->origin = row->batch_id;
	row->due_at = rcs_column_int64(i, 3);
	row->n = (int) rcs_column_int64(i, 4);
	row->attempt = (int) rcs_column_int64(i, 5);
	row->answers = (int) rcs_column_int64(i, 6);
	row->version = (int) rcs_column_int64(i, 7);
	row->unknown_since = rcs_column_int64(i, 8);
	row->server = rcs_column_text(i, 9, cxt);
	row->ords = rcs_column_ints(i, 10, cxt, &row->nords);
	row->canceled = rcs_column_ints(i, 11, cxt, &row->ncanceled);
	row->chatbot = rcs_column_text(i, 12, cxt);
	row->sender = rcs_column_text(i, 13, cxt);
	row->urgent = DatumGetBool(rcs_column(i, 14, &isnull));
}

static int
read_batches(uint64 n, RcsBatchRow **rows, MemoryContext cxt)
{
	*rows = MemoryContextAlloc(cxt, sizeof(RcsBatchRow) * Max(n, 1));
	for (uint64 i = 0; i < n; i++)
		read_batch(i, &(*rows)[i], cxt);
	return (int) n;
}

static int
read_messages(uint64 n, RcsMessageRow **messages, MemoryContext cxt)
{
	RcsMessageRow *rows = MemoryContextAlloc(cxt, sizeof(RcsMessageRow) * Max(n, 1));

	for (uint64 i = 0; i < n; i++)
	{
		RcsMessageRow *m = &rows[i];
		bool isnull;

		m->batch_id = rcs_column_int64(i, 1);
		m->ord = (int) rcs_column_int64(i, 2);
		m->id = *DatumGetUUIDP(rcs_column(i, 3, &isnull));
		m->phone = rcs_column_text(i, 4, cxt);
		m->params = rcs_column_jsonb(i, 5, cxt);
		m->message = rcs_column_jsonb(i, 6, cxt);
		m->chatbot = rcs_column_text(i, 7, cxt);
		m->expires_at = rcs_column_int64(i, 8);
		m->created_at = rcs_column_int64(i, 9);
		m->night_consent = DatumGetBool(rcs_column(i, 10, &isnull)); /* null is false */
	}
	*messages = rows;
	return (int) n;
}

/* ---------- campaigns ---------- */

/*
 * A loose scan: its cost grows with the campaigns that have waiting batches, not
 * with the batches.  It also gives campaigns that are over, so that they are
 * ended, and those of which the caller has leases ($1).  It is the only
 * statement here that crosses campaigns, and it locks nothing.
 */
static RcsStatement campaigns = {
	"WITH RECURSIVE s(no) AS ("
	" (SELECT b.campaign_no FROM rcs.batch b WHERE b.campaign_no > 0 AND b.state = 'q'"
	"  ORDER BY b.campaign_no LIMIT 1)"
	" UNION ALL"
	" SELECT (SELECT b.campaign_no FROM rcs.batch b WHERE b.campaign_no > s.no AND b.state = 'q'"
	"  ORDER BY b.campaign_no LIMIT 1) FROM s WHERE s.no IS NOT NULL)"
	" SELECT c.campaign_no, c.chatbot, c.version, c.rate_per_minute, c.expires_at, c.in_doubt,"
	"  greatest(coalesce((SELECT min(b.due_at) FROM rcs.batch b"
	"   WHERE b.campaign_no = c.campaign_no AND b.state = 'q'), 'infinity'),"
	"   coalesce(c.started_at, c.start_at)),"
	"  c.weight, c.paused_at IS NOT NULL, c.canceled_at IS NOT NULL, c.resumed_at,"
	"  coalesce((SELECT min(b.due_at) FROM rcs.batch b WHERE b.campaign_no = c.campaign_no"
	"   AND b.state = 'q' AND b.unknown_since IS NOT NULL), 'infinity'),"
	"  c.retry_at, c.probation"
	" FROM (SELECT s.no FROM s UNION SELECT unnest($1)) k JOIN rcs.campaign c ON c.campaign_no = k.no"
	" WHERE c.canceled_at IS NOT NULL OR c.expires_at <= now()"
	"  OR c.paused_at IS NULL AND (c.started_at IS NOT NULL OR c.start_at IS NOT NULL)"
	"  OR c.retry_at IS NOT NULL OR c.campaign_no = ANY ($1)",
	1,
	{INT8ARRAYOID},
	NULL};

static void
read_campaign(uint64 i, RcsCampaignRow *c)
{
	char *in_doubt = rcs_column_text(i, 6, CurrentMemoryContext);
	bool isnull;

	c->campaign_no = rcs_column_int64(i, 1);
	strlcpy(c->chatbot, rcs_column_text(i, 2, CurrentMemoryContext), sizeof(c->chatbot));
	c->version = (int) rcs_column_int64(i, 3);
	c->rate_per_minute = (int) rcs_column_int64(i, 4);
	c->expires_at = rcs_column_int64(i, 5);
	c->in_doubt = in_doubt == NULL ? 0 : in_doubt[0];
	c->next_at = rcs_column_int64(i, 7);
	c->weight = (int) rcs_column_int64(i, 8);
	c->paused = DatumGetBool(rcs_column(i, 9, &isnull));
	c->canceled = DatumGetBool(rcs_column(i, 10, &isnull));
	c->resumed_at = rcs_column_int64(i, 11);
	c->doubt_at = rcs_column_int64(i, 12);
	c->retry_at = rcs_column_int64(i, 13);
	c->probation = (int) rcs_column_int64(i, 14);
}

List *
rcs_outbox_campaigns(const int64 *known, int nknown, MemoryContext cxt)
{
	Datum values[] = {PointerGetDatum(rcs_int64_array(known, nknown))};
	uint64 n = rcs_execute(&campaigns, values, NULL);
	List *list = NIL;

	for (uint64 i = 0; i < n; i++)
	{
		MemoryContext old;
		RcsCampaignRow *c = MemoryContextAllocZero(cxt, sizeof(RcsCampaignRow));

		read_campaign(i, c);
		old = MemoryContextSwitchTo(cxt);
		list = lappend(list, c);
		MemoryContextSwitchTo(old);
	}
	return list;
}

static RcsStatement campaign_text =
	{"SELECT v.message FROM rcs.campaign_version v WHERE v.campaign_no = $1 AND v.version = $2",
	 2,
	 {INT8OID, INT4OID},
	 NULL};

Jsonb *
rcs_outbox_text(int64 campaign_no, int version, MemoryContext cxt)
{
	Datum values[] = {Int64GetDatum(campaign_no), Int32GetDatum(version)};

	return rcs_execute(&campaign_text, values, NULL) == 0 ? NULL : rcs_column_jsonb(0, 1, cxt);
}

static RcsStatement lease_batch =
	{"UPDATE rcs.batch b SET state = 'l', generation = $2, reason = NULL"
	 " WHERE b.campaign_no = $1 AND b.batch_id ="
	 "  (SELECT q.batch_id FROM rcs.batch q"
	 "   WHERE q.campaign_no = $1 AND q.state = 'q' AND q.due_at <= $6"
	 "    AND (q.due_at, q.batch_id) > ($4, $5)"
	 "    AND (q.server IS NULL OR q.server <> ALL ($3))"
	 "   ORDER BY q.due_at, q.batch_id LIMIT 1 FOR UPDATE SKIP LOCKED)"
	 " RETURNING " BATCH_COLUMNS,
	 6,
	 {INT8OID, INT8OID, TEXTARRAYOID, TIMESTAMPTZOID, INT8OID, TIMESTAMPTZOID},
	 NULL};

/* In doubt goes first, so no place is kept: what is before the place may fall in doubt again. */
static RcsStatement lease_doubt =
	{"UPDATE rcs.batch b SET state = 'l', generation = $2, reason = NULL"
	 " WHERE b.campaign_no = $1 AND b.batch_id ="
	 "  (SELECT q.batch_id FROM rcs.batch q"
	 "   WHERE q.campaign_no = $1 AND q.state = 'q' AND q.unknown_since IS NOT NULL"
	 "    AND q.due_at <= now() AND (q.server IS NULL OR q.server <> ALL ($3))"
	 "   ORDER BY q.due_at, q.batch_id LIMIT 1 FOR UPDATE SKIP LOCKED)"
	 " RETURNING " BATCH_COLUMNS,
	 3,
	 {INT8OID, INT8OID, TEXTARRAYOID},
	 NULL};

/* The next batch in doubt that is due, or NULL. */
RcsBatchRow *
rcs_outbox_lease_doubt(int64 campaign_no, int64 generation, List *closed_servers, MemoryContext cxt)
{
	Datum values[] = {Int64GetDatum(campaign_no), Int64GetDatum(generation),
					  PointerGetDatum(rcs_text_list_array(closed_servers))};
	RcsBatchRow *row;

	if (rcs_execute(&lease_doubt, values, NULL) == 0)
		return NULL;
	read_batches(1, &row, cxt);
	return row;
}

/* The next batch of a campaign that is due at a time, after the given one in that order, or NULL. */
RcsBatchRow *
rcs_outbox_lease_batch(int64 campaign_no, int64 generation, List *closed_servers, TimestampTz due,
					   TimestampTz after_due, int64 after_id, MemoryContext cxt)
{
	Datum values[6];
	RcsBatchRow *row;

	values[0] = Int64GetDatum(campaign_no);
	values[1] = Int64GetDatum(generation);
	values[2] = PointerGetDatum(rcs_text_list_array(closed_servers));
	values[3] = TimestampTzGetDatum(after_due);
	values[4] = Int64GetDatum(after_id);
	values[5] = TimestampTzGetDatum(due);
	if (rcs_execute(&lease_batch, values, NULL) == 0)
		return NULL;
	read_batches(1, &row, cxt);
	return row;
}

static RcsStatement messages_of_batch =
	{"SELECT m.batch_id, m.ord, m.id, m.phone, m.params, m.message, m.chatbot, m.expires_at,"
	 " m.created_at, m.night_consent"
	 " FROM rcs.message m WHERE m.campaign_no = $1 AND m.batch_id = $2"
	 "  AND ($3::int[] IS NULL OR m.ord = ANY ($3)) ORDER BY m.ord",
	 3,
	 {INT8OID, INT8OID, INT4ARRAYOID},
	 NULL};

int
rcs_outbox_messages(int64 campaign_no, const RcsBatchRow *row, MemoryContext cxt,
					RcsMessageRow **messages)
{
	Datum values[3];

	values[0] = Int64GetDatum(campaign_no);
	values[1] = Int64GetDatum(row->origin);
	values[2] =
		row->ords == NULL ? (Datum) 0 : PointerGetDatum(rcs_int32_array(row->ords, row->nords));
	return read_messages(rcs_execute(&messages_of_batch, values, row->ords == NULL ? "  n" : NULL),
						 messages, cxt);
}

/* ---------- single messages ---------- */

/*
 * By key.  "state <> 'l'" and not "state = 'q'", here and where leases are locked:
 * the latter would admit a partial index, which is full of dead rows under load.  The
 * update names no stream, or a plan may read all of stream 0 for it.
 */
static RcsStatement lease_singles =
	{"WITH l AS MATERIALIZED (SELECT q.tid FROM unnest($1) u(id) CROSS JOIN LATERAL"
	 "  (SELECT k.ctid AS tid FROM rcs.batch k WHERE k.campaign_no = 0 AND k.batch_id = u.id"
	 "    AND k.state <> 'l' AND k.due_at <= now() FOR UPDATE SKIP LOCKED) q)"
	 " UPDATE rcs.batch b SET state = 'l', generation = $2, reason = NULL"
	 " FROM l WHERE b.ctid = l.tid"
	 " RETURNING " BATCH_COLUMNS,
	 2,
	 {INT8ARRAYOID, INT8OID},
	 NULL};

int
rcs_outbox_lease_singles(const int64 *ids, int nids, int64 generation, MemoryContext cxt,
						 RcsBatchRow **rows)
{
	Datum values[] = {PointerGetDatum(rcs_int64_array(ids, nids)), Int64GetDatum(generation)};

	return read_batches(rcs_execute(&lease_singles, values, NULL), rows, cxt);
}

/*
 * OFFSET 0 makes it a look by key for each id.  While its statistics say that
 * the table is small, a planner that is free to choose reads all of stream 0.
 */
static RcsStatement single_messages =
	{"SELECT m.batch_id, m.ord, m.id, m.phone, m.params, m.message, m.chatbot, m.expires_at,"
	 " m.created_at, m.night_consent"
	 " FROM unnest($1) u(id) CROSS JOIN LATERAL"
	 "  (SELECT * FROM rcs.message k WHERE k.campaign_no = $2 AND k.batch_id = u.id OFFSET 0) m",
	 2,
	 {INT8ARRAYOID, INT8OID},
	 NULL};

int
rcs_outbox_single_messages(const int64 *origins, int n, MemoryContext cxt, RcsMessageRow **messages)
{
	Datum values[] = {PointerGetDatum(rcs_int64_array(origins, n)), Int64GetDatum(0)};

	return read_messages(rcs_execute(&single_messages, values, NULL), messages, cxt);
}

/* ---------- the fence ---------- */

static RcsStatement lock_batches =
	{"SELECT " BATCH_COLUMNS " FROM unnest($2) u(id) CROSS JOIN LATERAL"
	 " (SELECT * FROM rcs.batch k WHERE k.campaign_no = $1 AND k.batch_id = u.id"
	 "   AND k.state <> 'q' AND k.generation = $3 FOR UPDATE SKIP LOCKED) b",
	 3,
	 {INT8OID, INT8ARRAYOID, INT8OID},
	 NULL};

/*
 * Locks those batches that this worker still has.  A row that is missing in the
 * answer is locked by another process for a moment, or was taken from the worker.
 */
int
rcs_outbox_lock(int64 campaign_no, const int64 *ids, int nids, int64 generation, MemoryContext cxt,
				RcsBatchRow **rows)
{
	Datum values[] = {Int64GetDatum(campaign_no), PointerGetDatum(rcs_int64_array(ids, nids)),
					  Int64GetDatum(generation)};

	return read_batches(rcs_execute(&lock_batches, values, NULL), rows, cxt);
}

static RcsStatement owned =
	{"SELECT 1 FROM rcs.batch b"
	 " WHERE b.campaign_no = $1 AND b.batch_id = $2 AND b.state <> 'q' AND b.generation = $3",
	 3,
	 {INT8OID, INT8OID, INT8OID},
	 NULL};

/* True when this worker still has the batch; its row may be locked. */
bool
rcs_outbox_owned(int64 campaign_no, int64 batch_id, int64 generation)
{
	Datum values[] = {Int64GetDatum(campaign_no), Int64GetDatum(batch_id),
					  Int64GetDatum(generation)};

	return rcs_execute(&owned, values, NULL) > 0;
}

static RcsStatement reported = {"SELECT u.n::int FROM unnest($1) WITH ORDINALITY u(id, n)"
								" WHERE EXISTS (SELECT FROM rcs.event e WHERE e.message = u.id)",
								1,
								{UUIDARRAYOID},
								NULL};

/* Finds messages that the carrier has reported about: their places in ids, from 0. */
int
rcs_outbox_reported(const pg_uuid_t *ids, int n, int *places)
{
	Datum *elements = palloc(sizeof(Datum) * n);
	Datum values[1];
	int found;

	for (int i = 0; i < n; i++)
		elements[i] = UUIDPGetDatum(&ids[i]);
	values[0] =
		PointerGetDatum(construct_array(elements, n, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR));
	found = (int) rcs_execute(&reported, values, NULL);
	for (int i = 0; i < found; i++)
		places[i] = (int) rcs_column_int64(i, 1) - 1;
	return found;
}
