/*
 * outbox_upkeep.c
 *		The statements by which a worker keeps the queue in order beside its own
 *		work: leases of dead workers, a clock that was set back, counts and the
 *		feed of changes, a campaign that fails, and what is old.
 *
 * Functions of the schema do the larger part of it.  It knows no HTTP.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/statement.h"
#include "queue/outbox.h"

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

/* When another worker has just taken the leases apart, no rows are left: these are not old ones. */
static RcsStatement leased_messages = {
	"SELECT coalesce(min(m.created_at), 'infinity'), coalesce(bool_and(m.batch_id IS NOT NULL), true)"
	" FROM rcs.batch b LEFT JOIN rcs.message m"
	"  ON m.campaign_no = b.campaign_no AND m.batch_id = coalesce(b.origin, b.batch_id)"
	" WHERE b.state = 'l' AND b.generation = $1",
	1,
	{INT8OID},
	NULL};

/* The time at which the oldest message of these leases was made; false: some lease has no messages. */
bool
rcs_outbox_leased_messages(int64 generation, TimestampTz *oldest)
{
	Datum values[] = {Int64GetDatum(generation)};
	bool isnull;

	rcs_execute(&leased_messages, values, NULL);
	*oldest = rcs_column_int64(0, 1);
	return DatumGetBool(rcs_column(0, 2, &isnull));
}

static RcsStatement recover = {"SELECT rcs._recover($1, $2)", 2, {INT8OID, FLOAT8OID}, NULL};

/* Takes the leases of a dead generation apart; returns the number of messages in doubt. */
int64
rcs_outbox_recover(int64 generation, double settle_s)
{
	Datum values[] = {Int64GetDatum(generation), Float8GetDatum(settle_s)};

	rcs_execute(&recover, values, NULL);
	return rcs_column_int64(0, 1);
}

/* ---------- counts, the feed ---------- */

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
 * Folds the tallies of campaigns that have very many rows, and of campaigns that have become
 * silent.  The latest minute stays as it is, since the speed of a campaign is read from it.
 * Only the first worker for campaigns calls this, so two never fold at once.
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

static RcsStatement count_events =
	{"SELECT rcs._count_events($1), EXISTS (SELECT FROM rcs.event e WHERE NOT e.counted"
	 " AND e.received_at > now() - interval '10 min')",
	 1,
	 {INT4OID},
	 NULL};

/*
 * Brings at most so many reports into the counts of their campaigns; returns how many
 * there were.  *early: some that came lately may wait for the result of their message.
 */
int
rcs_outbox_count_events(int most, bool *early)
{
	Datum values[] = {Int32GetDatum(most)};
	bool isnull;

	rcs_execute(&count_events, values, NULL);
	*early = DatumGetBool(rcs_column(0, 2, &isnull));
	return (int) rcs_column_int64(0, 1);
}

static RcsStatement number_changes = {"SELECT rcs._number_changes()", 0, {0}, NULL};

/* Makes committed changes part of the feed. */
void
rcs_outbox_number_changes(void)
{
	rcs_execute(&number_changes, NULL, NULL);
}

/* ---------- campaigns ---------- */

/*
 * Does nothing when the row is locked (somebody steers it), or when the campaign has
 * been resumed since.  With $4 it is resumed by itself, each time on a longer probation
 * than the last; then only the first pause is noted.
 */
static RcsStatement pause_campaign =
	{"WITH p AS (UPDATE rcs.campaign c SET paused_at = clock_timestamp(), pause_reason = $3,"
	 "  retry_at = CASE WHEN $4 THEN clock_timestamp() + interval '10 s' END,"
	 "  probation = CASE WHEN NOT $4 THEN 0 WHEN c.probation = 0 THEN 5"
	 "   ELSE least(2 * c.probation, 1000) END"
	 "  WHERE c.campaign_no = (SELECT k.campaign_no FROM rcs.campaign k WHERE k.campaign_no = $1"
	 "   AND k.paused_at IS NULL AND k.canceled_at IS NULL"
	 "   AND k.resumed_at IS NOT DISTINCT FROM $2 FOR UPDATE SKIP LOCKED)"
	 "  RETURNING c.campaign_no, c.probation),"
	 " e AS (INSERT INTO rcs.campaign_event (campaign_no, what, who, detail)"
	 "  SELECT p.campaign_no, 'paused', 'rcs', jsonb_build_object('reason', $3) FROM p"
	 "  WHERE p.probation <= 5)"
	 " SELECT FROM p",
	 4,
	 {INT8OID, TIMESTAMPTZOID, TEXTOID, BOOLOID},
	 NULL};

bool
rcs_outbox_pause(int64 campaign_no, TimestampTz resumed_at, const char *reason, bool brake)
{
	Datum values[] = {Int64GetDatum(campaign_no), TimestampTzGetDatum(resumed_at),
					  CStringGetTextDatum(reason), BoolGetDatum(brake)};

	return rcs_execute(&pause_campaign, values, resumed_at == 0 ? " n  " : NULL) > 0;
}

static RcsStatement brake_retry =
	{"UPDATE rcs.campaign c SET paused_at = NULL, pause_reason = NULL, retry_at = NULL,"
	 "  resumed_at = clock_timestamp()"
	 " WHERE c.campaign_no = (SELECT k.campaign_no FROM rcs.campaign k WHERE k.campaign_no = $1"
	 "  AND k.retry_at <= clock_timestamp() FOR UPDATE SKIP LOCKED)",
	 1,
	 {INT8OID},
	 NULL};

/* True: it goes on, on probation. */
bool
rcs_outbox_brake_retry(int64 campaign_no)
{
	Datum values[] = {Int64GetDatum(campaign_no)};

	return rcs_execute(&brake_retry, values, NULL) > 0;
}

static RcsStatement brake_off = {
	"WITH p AS (UPDATE rcs.campaign c SET probation = 0, paused_at = NULL, pause_reason = NULL,"
	"  retry_at = NULL, resumed_at = coalesce(CASE WHEN c.retry_at IS NOT NULL THEN clock_timestamp() END, c.resumed_at)"
	"  WHERE c.campaign_no = (SELECT k.campaign_no FROM rcs.campaign k WHERE k.campaign_no = $1"
	"   AND k.probation > 0 AND (k.paused_at IS NULL OR k.retry_at IS NOT NULL) FOR UPDATE SKIP LOCKED)"
	"  RETURNING c.campaign_no)"
	" INSERT INTO rcs.campaign_event (campaign_no, what, who)"
	" SELECT p.campaign_no, 'resumed', 'rcs' FROM p",
	1,
	{INT8OID},
	NULL};

/* True: its probation is over, also if another worker has just paused it again. */
bool
rcs_outbox_brake_off(int64 campaign_no)
{
	Datum values[] = {Int64GetDatum(campaign_no)};

	return rcs_execute(&brake_off, values, NULL) > 0;
}

/* ---------- a clock that was set back ---------- */

/*
 * A batch that was put off waits for as long as it would have.  Any other batch
 * that was due before the step is due now, and one that is scheduled for later
 * keeps its date.
 */
static RcsStatement set_back = {
	"UPDATE rcs.batch b SET due_at = greatest(clock_timestamp(), b.due_at - make_interval(secs => $2))"
	" WHERE (b.campaign_no = 0) = $1 AND b.state = 'q' AND b.due_at > clock_timestamp()"
	"  AND (b.attempt > 0 OR b.due_at <= clock_timestamp() + make_interval(secs => $2))",
	2,
	{BOOLOID, FLOAT8OID},
	NULL};

/* A campaign that has been started counts as started, so its start must not lie ahead. */
static RcsStatement set_back_starts =
	{"UPDATE rcs.campaign SET started_at = clock_timestamp() WHERE started_at > clock_timestamp()",
	 0,
	 {0},
	 NULL};

/* The clock was set back by so many microseconds: the batches of this lane follow it. */
void
rcs_outbox_set_back(bool singles, int64 us)
{
	Datum values[] = {BoolGetDatum(singles), Float8GetDatum(us / 1000000.0)};

	rcs_execute(&set_back, values, NULL);
	if (!singles)
		rcs_execute(&set_back_starts, NULL, NULL);
}

/* ---------- what is old (schema/112_purge.sql) ---------- */

#define CUTOFF "now() - make_interval(secs => $1)"

static RcsStatement purge_turn = {"SELECT rcs._purge_turn(false)::int::int8", 0, {0}, NULL};
static RcsStatement purge_campaign = {"SELECT p.no, p.place FROM rcs._purge_campaign(" CUTOFF
									  ", $2, $3, $4) p",
									  4,
									  {INT4OID, INT8OID, INT8OID, INT4OID},
									  NULL};
static RcsStatement purge_singles = {"SELECT s.last FROM rcs._purge_singles(" CUTOFF ", $2, $3) s",
									 3,
									 {INT4OID, INT8OID, INT4OID},
									 NULL};
static RcsStatement purge_rest = {"SELECT rcs._purge_rest(" CUTOFF ")", 1, {INT4OID}, NULL};

/* False: another process is purging. */
bool
rcs_outbox_purge_turn(void)
{
	rcs_execute(&purge_turn, NULL, NULL);
	return rcs_column_int64(0, 1) != 0;
}

/* Purges a chunk and moves the place on; campaign_no 0 = at the end. */
void
rcs_outbox_purge_campaign(int keep_s, int64 *campaign_no, int64 *place, int most)
{
	Datum values[] = {Int32GetDatum(keep_s), Int64GetDatum(*campaign_no), Int64GetDatum(*place),
					  Int32GetDatum(most)};

	rcs_execute(&purge_campaign, values, NULL);
	*campaign_no = rcs_column_int64(0, 1);
	*place = rcs_column_int64(0, 2);
}

/* Purges a chunk; returns the place where the next one begins, 0 = at the end. */
int64
rcs_outbox_purge_singles(int keep_s, int64 after, int most)
{
	Datum values[] = {Int32GetDatum(keep_s), Int64GetDatum(after), Int32GetDatum(most)};

	rcs_execute(&purge_singles, values, NULL);
	return rcs_column_int64(0, 1);
}

void
rcs_outbox_purge_rest(int keep_s)
{
	Datum values[] = {Int32GetDatum(keep_s)};

	rcs_execute(&purge_rest, values, NULL);
}
