/*
 * outbox_people.c
 *		Looks people up before they are offered a message, and moves the batches
 *		that wait for the ad hours.
 *
 * LATERAL and OFFSET 0 force one look into an index for each person.  It knows
 * neither the clock nor the use of its answers.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/statement.h"
#include "queue/outbox_people.h"

#define PHONE_HASH "sha256(i.phone_key || convert_to(u.phone, 'UTF8'))"

typedef struct Columns
{
	Datum campaign_nos;
	Datum batch_ids;
	Datum ords;
	Datum phones;
	Datum chatbots;
} Columns;

static void
make_columns(const RcsPerson *people, int n, Columns *c)
{
	int64 *nos = palloc(sizeof(int64) * n);
	int64 *batches = palloc(sizeof(int64) * n);
	int *ords = palloc(sizeof(int) * n);
	const char **phones = palloc(sizeof(char *) * n);
	const char **chatbots = palloc(sizeof(char *) * n);

	for (int i = 0; i < n; i++)
	{
		nos[i] = people[i].campaign_no;
		batches[i] = people[i].batch_id;
		ords[i] = people[i].ord;
		phones[i] = people[i].phone;
		chatbots[i] = people[i].chatbot;
	}
	c->campaign_nos = PointerGetDatum(rcs_int64_array(nos, n));
	c->batch_ids = PointerGetDatum(rcs_int64_array(batches, n));
	c->ords = PointerGetDatum(rcs_int32_array(ords, n));
	c->phones = PointerGetDatum(rcs_text_array(phones, n));
	c->chatbots = PointerGetDatum(rcs_text_array(chatbots, n));
}

static int
read_places(uint64 n, int *places)
{
	for (uint64 i = 0; i < n; i++)
		places[i] = (int) rcs_column_int64(i, 1) - 1;
	return (int) n;
}

static RcsStatement erased =
	{"SELECT u.n::int FROM unnest($1, $2, $3) WITH ORDINALITY u(campaign_no, batch_id, ord, n)"
	 " CROSS JOIN LATERAL (SELECT m.phone FROM rcs.message m WHERE m.campaign_no = u.campaign_no"
	 "  AND m.batch_id = u.batch_id AND m.ord = u.ord OFFSET 0) l WHERE l.phone IS NULL",
	 3,
	 {INT8ARRAYOID, INT8ARRAYOID, INT4ARRAYOID},
	 NULL};

int
rcs_outbox_erased(const RcsPerson *people, int n, int *places)
{
	Columns c;
	Datum values[3];

	make_columns(people, n, &c);
	values[0] = c.campaign_nos;
	values[1] = c.batch_ids;
	values[2] = c.ords;
	return read_places(rcs_execute(&erased, values, NULL), places);
}

/* The rule of rcs._refused(), written out because the function could not be inlined here. */
static RcsStatement refused =
	{"SELECT u.n::int FROM rcs.installation i"
	 " CROSS JOIN unnest($1, $2) WITH ORDINALITY u(phone, chatbot, n)"
	 " CROSS JOIN LATERAL (SELECT r.refused FROM rcs.refusal r WHERE r.phone_hash = " PHONE_HASH
	 "  AND (r.chatbot IS NULL OR r.chatbot = u.chatbot) ORDER BY r.id DESC LIMIT 1) l"
	 " WHERE l.refused",
	 2,
	 {TEXTARRAYOID, TEXTARRAYOID},
	 NULL};

int
rcs_outbox_refused(const RcsPerson *people, int n, int *places)
{
	Columns c;
	Datum values[2];

	make_columns(people, n, &c);
	values[0] = c.phones;
	values[1] = c.chatbots;
	return read_places(rcs_execute(&refused, values, NULL), places);
}

/* ---------- the daily cap ---------- */

/*
 * Two workers must not count for the same person at once.  One lock for all
 * persons cannot deadlock, and it is taken only if there is a cap.
 */
static RcsStatement cap_lock = {"SELECT rcs._turn('advertising')", 0, {0}, NULL};
static RcsStatement make_key =
	{"INSERT INTO rcs.installation SELECT WHERE NOT EXISTS (SELECT FROM rcs.installation)"
	 " ON CONFLICT DO NOTHING",
	 0,
	 {0},
	 NULL};
static RcsStatement forget_old_days =
	{"DELETE FROM rcs.ad_sent s USING (SELECT o.ctid AS tid FROM rcs.ad_sent o"
	 "  WHERE o.day < $1::date - 1 LIMIT 1000) l WHERE s.ctid = l.tid",
	 1,
	 {TEXTOID},
	 NULL};
/* A message counts once a day, however often it is offered. */
static RcsStatement over_cap = {
	"WITH asked AS MATERIALIZED ("
	" SELECT u.n, u.campaign_no, u.batch_id, u.ord, " PHONE_HASH " AS hash FROM rcs.installation i"
	"  CROSS JOIN unnest($1, $2, $3, $4) WITH ORDINALITY u(campaign_no, batch_id, ord, phone, n)),"
	" counted AS MATERIALIZED ("
	" SELECT a.*, l.n AS sent, coalesce(l.has_this, false) AS again FROM asked a"
	"  CROSS JOIN LATERAL (SELECT count(*) AS n, bool_or(s.campaign_no = a.campaign_no"
	"   AND s.batch_id = a.batch_id AND s.ord = a.ord) AS has_this"
	"  FROM rcs.ad_sent s WHERE s.day = $5::date AND s.phone_hash = a.hash) l),"
	" judged AS MATERIALIZED ("
	" SELECT c.*, c.again OR c.sent + row_number() OVER (PARTITION BY c.hash, c.again ORDER BY c.n)"
	"  <= $6 AS fits FROM counted c),"
	" noted AS ("
	" INSERT INTO rcs.ad_sent (day, phone_hash, campaign_no, batch_id, ord)"
	"  SELECT $5::date, j.hash, j.campaign_no, j.batch_id, j.ord FROM judged j"
	"  WHERE j.fits AND NOT j.again)"
	" SELECT j.n::int FROM judged j WHERE NOT j.fits",
	6,
	{INT8ARRAYOID, INT8ARRAYOID, INT4ARRAYOID, TEXTARRAYOID, TEXTOID, INT4OID},
	NULL};

int
rcs_outbox_over_cap(const RcsPerson *people, int n, const char *day, int cap, int *places)
{
	Datum on_day = CStringGetTextDatum(day);
	Columns c;
	Datum values[6];

	rcs_execute(&cap_lock, NULL, NULL);
	rcs_execute(&make_key, NULL, NULL);
	rcs_execute(&forget_old_days, &on_day, NULL);
	make_columns(people, n, &c);
	values[0] = c.campaign_nos;
	values[1] = c.batch_ids;
	values[2] = c.ords;
	values[3] = c.phones;
	values[4] = on_day;
	values[5] = Int32GetDatum(cap);
	return read_places(rcs_execute(&over_cap, values, NULL), places);
}

/* ---------- what waits for the ad hours ---------- */

static RcsStatement with_ads_waiting = {"SELECT DISTINCT b.campaign_no FROM rcs.batch b"
										" WHERE b.reason LIKE '" RCS_OUTSIDE_AD_HOURS
										"%' AND b.state = 'q' AND (b.campaign_no = 0) = $1",
										1,
										{BOOLOID},
										NULL};
static RcsStatement move_ads =
	{"UPDATE rcs.batch b SET due_at = coalesce($2, now()), reason = $3"
	 " FROM (SELECT q.ctid AS tid FROM rcs.batch q WHERE q.campaign_no = $1 AND q.state = 'q'"
	 "   AND q.reason LIKE '" RCS_OUTSIDE_AD_HOURS "%' AND q.due_at <> coalesce($2, now())"
	 "  FOR UPDATE SKIP LOCKED) l"
	 " WHERE b.campaign_no = $1 AND b.ctid = l.tid",
	 3,
	 {INT8OID, TIMESTAMPTZOID, TEXTOID},
	 NULL};

bool
rcs_outbox_move_ads(bool singles, TimestampTz due_at, const char *reason)
{
	Datum lane = BoolGetDatum(singles);
	int n = (int) rcs_execute(&with_ads_waiting, &lane, NULL);
	int64 *nos = palloc(sizeof(int64) * Max(n, 1));

	for (int i = 0; i < n; i++)
		nos[i] = rcs_column_int64(i, 1);
	for (int i = 0; i < n; i++)
	{
		Datum values[] = {Int64GetDatum(nos[i]), TimestampTzGetDatum(due_at),
						  due_at == 0 ? (Datum) 0 : CStringGetTextDatum(reason)};

		rcs_execute(&move_ads, values, due_at == 0 ? " nn" : NULL);
	}
	return n > 0;
}
