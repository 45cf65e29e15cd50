/*
 * outbox_due.c
 *		Which single messages are due, as the lane looks at them before it leases some.
 *
 * Nothing is locked here: what another worker leases meanwhile is missed by the lease
 * (outbox_lease.c, which also says why the statements look as they do).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/timestamp.h"

#include "base/statement.h"
#include "queue/outbox.h"

/* ---------- by time, or by key ---------- */

#define DUE_COLUMNS "b.batch_id, b.due_at, b.chatbot, b.server, b.sender, b.urgent"

static int
read_due(uint64 n, RcsDueSingle **singles)
{
	*singles = palloc(sizeof(RcsDueSingle) * Max(n, 1));
	for (uint64 i = 0; i < n; i++)
	{
		RcsDueSingle *s = &(*singles)[i];
		bool isnull;

		s->batch_id = rcs_column_int64(i, 1);
		s->due_at = rcs_column_int64(i, 2);
		s->chatbot = rcs_column_text(i, 3, CurrentMemoryContext);
		s->server = rcs_column_text(i, 4, CurrentMemoryContext);
		s->sender = rcs_column_text(i, 5, CurrentMemoryContext);
		s->urgent = DatumGetBool(rcs_column(i, 6, &isnull));
	}
	return (int) n;
}

static RcsStatement due_singles =
	{"SELECT " DUE_COLUMNS " FROM rcs.batch b"
	 " WHERE b.campaign_no = 0 AND b.state = 'q' AND (b.due_at, b.batch_id) > ($1, $2)"
	 "  AND b.due_at <= now() AND b.unknown_since IS NULL ORDER BY b.due_at, b.batch_id LIMIT $3",
	 3,
	 {TIMESTAMPTZOID, INT8OID, INT4OID},
	 NULL};

/*
 * Singles not in doubt that are due, in this order after a place in it; before the place
 * the index may have many rows of finished ones.
 */
int
rcs_outbox_due_singles(TimestampTz after_due, int64 after_id, int max, RcsDueSingle **singles)
{
	Datum values[] = {TimestampTzGetDatum(after_due), Int64GetDatum(after_id), Int32GetDatum(max)};

	return read_due(rcs_execute(&due_singles, values, NULL), singles);
}

static RcsStatement doubtful_singles = {
	"SELECT " DUE_COLUMNS " FROM rcs.batch b"
	" WHERE b.campaign_no = 0 AND b.state = 'q' AND b.unknown_since IS NOT NULL AND b.due_at <= now()"
	"  AND (b.server IS NULL OR b.server <> ALL ($1)) ORDER BY b.due_at, b.batch_id LIMIT $2",
	2,
	{TEXTARRAYOID, INT4OID},
	NULL};

int
rcs_outbox_doubtful_singles(List *closed_servers, int max, RcsDueSingle **singles)
{
	Datum values[] = {PointerGetDatum(rcs_text_list_array(closed_servers)), Int32GetDatum(max)};

	return read_due(rcs_execute(&doubtful_singles, values, NULL), singles);
}

static RcsStatement peek_singles = {
	"SELECT " DUE_COLUMNS " FROM unnest($1) u(id) CROSS JOIN LATERAL"
	" (SELECT * FROM rcs.batch k WHERE k.campaign_no = 0 AND k.batch_id = u.id"
	"   AND k.state <> 'l' AND k.due_at <= now() OFFSET 0) b ORDER BY b.urgent DESC, b.due_at, b.batch_id",
	1,
	{INT8ARRAYOID},
	NULL};

/* Those of them that are due, without a lock. */
int
rcs_outbox_peek_singles(const int64 *ids, int nids, RcsDueSingle **singles)
{
	Datum values[] = {PointerGetDatum(rcs_int64_array(ids, nids))};

	return read_due(rcs_execute(&peek_singles, values, NULL), singles);
}

static RcsStatement next_single = {"SELECT b.due_at FROM rcs.batch b"
								   " WHERE b.campaign_no = 0 AND b.state = 'q' AND b.due_at > now()"
								   " ORDER BY b.due_at LIMIT 1",
								   0,
								   {0},
								   NULL};

/* The time at which the next single falls due; 0 = none waits. */
TimestampTz
rcs_outbox_next_single(void)
{
	return rcs_execute(&next_single, NULL, NULL) == 0 ? 0 : rcs_column_int64(0, 1);
}

/* ---------- by sender ---------- */

/* What batch_turn holds.  "<> 'l'" is not what batch_due says, so no plan takes that. */
#define OF_SENDERS "b.campaign_no = 0 AND b.state <> 'l' AND b.unknown_since IS NULL"
#define SENDER_ORDER " ORDER BY b.chatbot, b.sender, b.urgent, b.due_at, b.batch_id LIMIT 1"

/* A loose scan: its cost grows with the senders that have something waiting, not with the messages. */
static RcsStatement first_singles =
	{"WITH RECURSIVE b AS ("
	 " (SELECT " DUE_COLUMNS " FROM rcs.batch b WHERE " OF_SENDERS SENDER_ORDER ")"
	 " UNION ALL"
	 " SELECT n.* FROM b l CROSS JOIN LATERAL"
	 "  (SELECT " DUE_COLUMNS " FROM rcs.batch b WHERE " OF_SENDERS
	 "    AND (b.chatbot, b.sender, b.urgent) > (l.chatbot, l.sender, l.urgent)" SENDER_ORDER ") n)"
	 " SELECT " DUE_COLUMNS " FROM b WHERE b.due_at <= now()",
	 0,
	 {0},
	 NULL};

/* The first single of each sender that has one due, urgent and other. */
int
rcs_outbox_first_singles(RcsDueSingle **singles)
{
	return read_due(rcs_execute(&first_singles, NULL, NULL), singles);
}

static RcsStatement sender_singles =
	{"SELECT u.n::int, x.batch_id, x.due_at FROM unnest($1, $2, $3, $4, $5)"
	 "  WITH ORDINALITY u(chatbot, sender, due, id, most, n) CROSS JOIN LATERAL"
	 " (SELECT b.batch_id, b.due_at FROM rcs.batch b WHERE " OF_SENDERS
	 "   AND b.chatbot = u.chatbot AND b.sender = u.sender AND b.urgent = $6"
	 "   AND (b.due_at, b.batch_id) > (u.due, u.id) AND b.due_at <= now()"
	 "  ORDER BY b.due_at, b.batch_id LIMIT u.most) x ORDER BY u.n, x.due_at, x.batch_id",
	 6,
	 {TEXTARRAYOID, TEXTARRAYOID, TIMESTAMPTZARRAYOID, INT8ARRAYOID, INT4ARRAYOID, BOOLOID},
	 NULL};

int
rcs_outbox_sender_singles(const RcsSenderTurn *turns, int nturns, bool urgent,
						  RcsSenderSingle **singles)
{
	const char **chatbots = palloc(sizeof(char *) * nturns);
	const char **senders = palloc(sizeof(char *) * nturns);
	Datum *dues = palloc(sizeof(Datum) * nturns);
	int64 *ids = palloc(sizeof(int64) * nturns);
	int *most = palloc(sizeof(int) * nturns);
	Datum values[6];
	int n;

	for (int i = 0; i < nturns; i++)
	{
		chatbots[i] = turns[i].chatbot;
		senders[i] = turns[i].sender;
		dues[i] = TimestampTzGetDatum(turns[i].after_due);
		ids[i] = turns[i].after_id;
		most[i] = turns[i].most;
	}
	values[0] = PointerGetDatum(rcs_text_array(chatbots, nturns));
	values[1] = PointerGetDatum(rcs_text_array(senders, nturns));
	values[2] = PointerGetDatum(
		construct_array(dues, nturns, TIMESTAMPTZOID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[3] = PointerGetDatum(rcs_int64_array(ids, nturns));
	values[4] = PointerGetDatum(rcs_int32_array(most, nturns));
	values[5] = BoolGetDatum(urgent);
	n = (int) rcs_execute(&sender_singles, values, NULL);
	*singles = palloc(sizeof(RcsSenderSingle) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		(*singles)[i].turn = (int) rcs_column_int64(i, 1) - 1;
		(*singles)[i].batch_id = rcs_column_int64(i, 2);
		(*singles)[i].due_at = rcs_column_int64(i, 3);
	}
	return n;
}
