/*
 * identity.c
 *		Notices that the data of this database were restored or copied.
 *
 * A copy of a queue would send the messages of the original once more.  The
 * row of rcs.identity says where the data were written; a worker compares it
 * with where it runs, before its first lease.  A failover and a pg_upgrade are
 * adopted, a copy and a restore are held until rcs_resume().
 *
 * A restore to an earlier time and a failover both begin a new timeline.  They
 * differ in the age of the data when it began.
 *
 * This file must not know how a hold stops anything.
 */
#include "postgres.h"

#include <sys/stat.h>

#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/pg_compat.h"
#include "base/statement.h"
#include "hold/hold_store.h"
#include "hold/contents.h"
#include "hold/identity.h"
#include "hold/place.h"
#include "process/boot.h"
#include "process/guc.h"

#define PROMOTION_GAP_MS 120000
#define IDLE_BEAT_S 3600

typedef struct Identity
{
	char *system_id;
	int timeline;
	Oid dboid;
	char *node_id;		 /* "" = none */
	const char *place;	 /* of the data directory; "" = not known */
	const char *machine; /* "" = not known */
	const char *label;	 /* of the base backup; "" = none, NULL = not known */
	TimestampTz last_alive;
} Identity;

typedef enum Verdict
{
	SAME,
	UPGRADED, /* by pg_upgrade */
	PROMOTED,
	SUSPECT /* to be held */
} Verdict;

PG_FUNCTION_INFO_V1(rcs_identity_now);

/* ---------- where this server is ---------- */

static void
read_present(Identity *id)
{
	id->system_id = psprintf(UINT64_FORMAT, GetSystemIdentifier());
	id->timeline = (int) RcsTimeline();
	id->dboid = MyDatabaseId;
	id->node_id = rcs_node_id;
	id->place = rcs_place_written();
	id->machine = rcs_place_machine();
	id->label = rcs_place_label();
	id->last_alive = GetCurrentTimestamp();
}

/* rcs._identity_now(): for the install script and for the statements below. */
Datum
rcs_identity_now(PG_FUNCTION_ARGS)
{
	Identity id;
	TupleDesc tupdesc;
	Datum values[7];
	bool nulls[7] = {false};

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	read_present(&id);
	values[0] = CStringGetTextDatum(id.system_id);
	values[1] = Int32GetDatum(id.timeline);
	values[2] = ObjectIdGetDatum(id.dboid);
	values[3] = CStringGetTextDatum(id.node_id);
	values[4] = CStringGetTextDatum(id.place);
	values[5] = CStringGetTextDatum(id.machine);
	values[6] = CStringGetTextDatum(id.label);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls)));
}

/* When this timeline began: its history file is written by the promotion itself. */
static TimestampTz
timeline_began(int timeline)
{
	char path[MAXPGPATH];
	struct stat st;

	TLHistoryFilePath(path, (TimeLineID) timeline);
	return stat(path, &st) == 0 ? time_t_to_timestamptz(st.st_mtime) : GetCurrentTimestamp();
}

/* ---------- the row ---------- */

static RcsStatement lock_table = {"LOCK TABLE rcs.identity IN SHARE ROW EXCLUSIVE MODE",
								  0,
								  {0},
								  NULL};
static RcsStatement read_row =
	{"SELECT i.system_id, i.timeline, i.dboid::bigint, i.node_id, i.last_alive, i.place,"
	 "  i.machine, i.label FROM rcs._identity_written() i",
	 0,
	 {0},
	 NULL};
static RcsStatement insert_row =
	{"INSERT INTO rcs.identity (system_id, timeline, dboid, node_id, place, machine, label)"
	 " SELECT i.* FROM rcs._identity_now() i",
	 0,
	 {0},
	 NULL};

static bool
read_recorded(Identity *id)
{
	MemoryContext cxt = CurrentMemoryContext;

	if (rcs_execute(&read_row, NULL, NULL) == 0)
		return false;
	id->system_id = rcs_column_text(0, 1, cxt);
	id->timeline = (int) rcs_column_int64(0, 2);
	id->dboid = (Oid) rcs_column_int64(0, 3);
	id->node_id = rcs_column_text(0, 4, cxt);
	id->last_alive = rcs_column_int64(0, 5);
	id->place = rcs_column_text(0, 6, cxt);
	id->machine = rcs_column_text(0, 7, cxt);
	id->label = rcs_column_text(0, 8, cxt);
	return true;
}

static RcsStatement adopt = {
	"INSERT INTO rcs.identity AS i (system_id, timeline, dboid, node_id, installed_at,"
	"  promoted_at, lag_until, place, machine, label, subscriptions, origin)"
	" SELECT n.system_id, n.timeline, n.dboid, coalesce(nullif(n.node_id, ''), w.node_id, ''),"
	"  CASE WHEN $1 THEN '-infinity' ELSE coalesce(w.installed_at, now()) END,"
	"  CASE WHEN $2 THEN clock_timestamp() ELSE w.promoted_at END,"
	"  CASE WHEN $2 THEN clock_timestamp() + interval '6 s' + 2 * least(interval '2 min', greatest("
	"    interval '0', clock_timestamp() - greatest(w.last_alive, pg_last_xact_replay_timestamp())))"
	"   ELSE w.lag_until END, n.place, n.machine, n.label,"
	"  CASE WHEN $1 THEN ARRAY(SELECT u.oid FROM pg_subscription u) ELSE coalesce(w.subscriptions, '{}') END,"
	"  coalesce(w.origin, gen_random_uuid())"
	" FROM rcs._identity_now() n LEFT JOIN rcs._identity_written() w ON true"
	" ON CONFLICT (system_id, dboid) DO UPDATE SET timeline = EXCLUDED.timeline,"
	"  node_id = EXCLUDED.node_id, installed_at = EXCLUDED.installed_at,"
	"  promoted_at = EXCLUDED.promoted_at, lag_until = EXCLUDED.lag_until,"
	"  place = EXCLUDED.place, machine = EXCLUDED.machine, label = EXCLUDED.label,"
	"  subscriptions = EXCLUDED.subscriptions, last_alive = clock_timestamp()",
	2,
	{BOOLOID, BOOLOID},
	NULL};

/* That of the server which this one was, and those that a subscription has brought. */
static RcsStatement forget_others = {"DELETE FROM rcs.identity i USING rcs._identity_now() n"
									 " WHERE i.system_id <> n.system_id OR i.dboid <> n.dboid",
									 0,
									 {0},
									 NULL};

static RcsStatement forget_origins =
	{"DELETE FROM rcs._origin o WHERE o.origin NOT IN (SELECT i.origin FROM rcs.identity i)",
	 0,
	 {0},
	 NULL};

void
rcs_identity_adopt(bool all, bool promoted)
{
	Datum values[] = {BoolGetDatum(all), BoolGetDatum(promoted)};

	rcs_execute(&adopt, values, NULL);
	rcs_execute(&forget_others, NULL, NULL);
	if (all)
		rcs_execute(&forget_origins, NULL, NULL);
}

/*
 * Written each minute also while messages only wait, because the age of the
 * data at a promotion is judged by it; never waited for.  A date in the future
 * is of a clock that was set back since.
 */
static RcsStatement beat =
	{"UPDATE rcs.identity SET last_alive = clock_timestamp(),"
	 "  node_id = coalesce(nullif($3, ''), node_id)"
	 " WHERE (system_id, dboid) = (SELECT i.system_id, i.dboid FROM rcs.identity i"
	 "  WHERE i.system_id = $4 AND i.dboid = $5"
	 "   AND (i.last_alive > clock_timestamp() + interval '1 s'"
	 "   OR i.last_alive < clock_timestamp() - interval '9 s' AND ($1"
	 "   OR i.last_alive < clock_timestamp() - make_interval(secs => $2)"
	 "   OR i.last_alive < clock_timestamp() - interval '59 s' AND EXISTS (SELECT FROM rcs.batch)))"
	 "  FOR UPDATE SKIP LOCKED)",
	 5,
	 {BOOLOID, FLOAT8OID, TEXTOID, TEXTOID, OIDOID},
	 NULL};

void
rcs_identity_beat(bool sending)
{
	Datum values[] = {BoolGetDatum(sending), Float8GetDatum(Min(IDLE_BEAT_S, rcs_after_gap / 2)),
					  CStringGetTextDatum(rcs_node_id),
					  CStringGetTextDatum(psprintf(UINT64_FORMAT, GetSystemIdentifier())),
					  ObjectIdGetDatum(MyDatabaseId)};

	rcs_execute(&beat, values, NULL);
}

static RcsStatement read_times = {"SELECT i.installed_at, coalesce(i.promoted_at, '-infinity'),"
								  " coalesce(i.lag_until, '-infinity')"
								  " FROM rcs._identity_written() i",
								  0,
								  {0},
								  NULL};

void
rcs_identity_read_times(RcsIdentityTimes *times)
{
	bool found = rcs_execute(&read_times, NULL, NULL) > 0;

	times->installed_at = found ? rcs_column_int64(0, 1) : DT_NOBEGIN;
	times->promoted_at = found ? rcs_column_int64(0, 2) : DT_NOBEGIN;
	times->lag_until = found ? rcs_column_int64(0, 3) : DT_NOBEGIN;
}

/* ---------- messages that wait ---------- */

/*
 * The newest message of each stream that waits, among those made before $1.
 * $2: also those that are not to be sent just now.
 */
static RcsStatement newest_unsent =
	{"SELECT max(x.created_at) FROM"
	 " (SELECT 0::bigint AS no, true AS runs"
	 "  UNION ALL SELECT c.campaign_no, c.paused_at IS NULL AND"
	 "   coalesce(coalesce(c.started_at, c.start_at) <= now(), false)"
	 "   FROM rcs.campaign c WHERE c.canceled_at IS NULL) s"
	 " CROSS JOIN LATERAL (SELECT m.created_at FROM rcs.batch b JOIN rcs.message m"
	 "  ON m.campaign_no = b.campaign_no AND m.batch_id = coalesce(b.origin, b.batch_id)"
	 "  WHERE b.campaign_no = s.no AND m.created_at < $1"
	 "   AND ($2 OR s.runs AND (b.due_at <= now() OR b.state = 'l'))"
	 "  ORDER BY b.batch_id DESC LIMIT 1) x",
	 2,
	 {TIMESTAMPTZOID, BOOLOID},
	 NULL};

/* 0 = none */
static TimestampTz
newest_waiting(TimestampTz before, bool whatever)
{
	Datum values[] = {TimestampTzGetDatum(before), BoolGetDatum(whatever)};

	rcs_execute(&newest_unsent, values, NULL);
	return rcs_column_int64(0, 1);
}

static RcsStatement any_message = {"SELECT FROM rcs.message LIMIT 1", 0, {0}, NULL};

/* ---------- the verdict ---------- */

/*
 * A target stops a restore only.  Without one the data are as old as the last
 * thing that is known to have happened in them; where nothing waits an old
 * standby has nothing to send twice.
 */
static Verdict
judge_timeline(const Identity *was, const Identity *is, const char **why)
{
	TimestampTz began = timeline_began(is->timeline);
	TimestampTz newest = newest_waiting(began, true);

	if (rcs_place_had_target(is->timeline, was->timeline) ||
		(newest != 0 &&
		 TimestampDifferenceMilliseconds(Max(newest, was->last_alive), began) > PROMOTION_GAP_MS))
	{
		*why =
			psprintf("the server was restored to an earlier time (timeline %d, last alive at %s)",
					 is->timeline, timestamptz_to_str(was->last_alive));
		return SUSPECT;
	}
	if (rcs_boot_restored())
	{
		*why = psprintf("the server was restored from its archive (timeline %d)", is->timeline);
		return SUSPECT;
	}
	if (rcs_after_promotion == RCS_AFTER_PROMOTION_RESUME)
		return PROMOTED;
	*why = psprintf("the server was promoted (timeline %d), and rcs.after_promotion is hold",
					is->timeline);
	return SUSPECT;
}

static bool
is_longer_ago(TimestampTz when, int seconds)
{
	return GetCurrentTimestamp() - when > seconds * USECS_PER_SEC;
}

/* A restored backup without a new timeline looks like a server that stood still for long. */
static Verdict
judge_gap(const Identity *was, const char **why)
{
	TimestampTz newest;

	if (was->last_alive >= PgStartTime || !is_longer_ago(was->last_alive, rcs_after_gap))
		return SAME;
	newest = newest_waiting(PgStartTime, false);
	if (newest == 0 || !is_longer_ago(newest, rcs_after_gap))
		return SAME;
	*why = psprintf(
		"nothing was sent since %s, which is longer than rcs.after_gap, and messages of that time are unsent: this may be a restored backup",
		timestamptz_to_str(was->last_alive));
	return SUSPECT;
}

static bool
is_known_and_differs(const char *was, const char *is)
{
	return was[0] != '\0' && is[0] != '\0' && strcmp(was, is) != 0;
}

/* rcs.node_id says that the machines of a shared disk are one node. */
static bool
is_other_machine(const Identity *was, const Identity *is)
{
	return is_known_and_differs(was->machine, is->machine) &&
		   (is->node_id[0] == '\0' || strcmp(was->node_id, is->node_id) != 0);
}

/*
 * A server that was once made from a backup keeps the label of it.  Another label than that of the
 * record is of a backup that was taken of this very server, or of one like it.
 */
static bool
has_other_label(const Identity *was, const Identity *is)
{
	return was->label != NULL && is->label[0] != '\0' && strcmp(was->label, is->label) != 0;
}

/* The same timeline: is it the same data directory, too? */
static Verdict
judge_place(const Identity *was, const Identity *is, const char **why)
{
	if (is_known_and_differs(was->place, is->place))
		*why = "this is a copy of the data directory of a server that may still run";
	else if (has_other_label(was, is))
		*why = "this server was started from a base backup of one that may still run";
	else if (is_other_machine(was, is))
		*why = "this is the data directory of a server on another machine, which may still run";
	else
		return SAME;
	return SUSPECT;
}

static Verdict
judge(const Identity *was, const Identity *is, const char **why)
{
	Verdict verdict;

	if (is_known_and_differs(was->node_id, is->node_id))
	{
		*why = psprintf(
			"this is a copy: the data were written where rcs.node_id is \"%s\", and here it is \"%s\"",
			was->node_id, is->node_id);
		return SUSPECT;
	}
	if (strcmp(is->system_id, was->system_id) != 0)
	{
		/* pg_upgrade begins at the first timeline; a copy that was made a server of its own does not */
		if (is->timeline == 1 && !is_other_machine(was, is))
			return UPGRADED;
		*why =
			"this is a copy of another server: its system identifier is new, and its timeline or its machine";
		return SUSPECT;
	}
	if (is->dboid != was->dboid)
	{
		*why = "this is a copy of another database of this server";
		return SUSPECT;
	}
	if (is->timeline != was->timeline)
		return judge_timeline(was, is, why);
	verdict = judge_gap(was, why);
	return verdict == SAME ? judge_place(was, is, why) : verdict;
}

static void
act(Verdict verdict, const char *why)
{
	if (verdict == SUSPECT)
	{
		rcs_hold_by_worker(why);
		return;
	}
	rcs_identity_adopt(false, verdict == PROMOTED);
	if (verdict == UPGRADED)
		ereport(
			LOG,
			(errmsg(
				"the system identifier is new, as after pg_upgrade: rcs goes on sending from database \"%s\"",
				get_database_name(MyDatabaseId))));
	else if (verdict == PROMOTED)
		ereport(
			WARNING,
			(errmsg("the server was promoted: rcs goes on sending from database \"%s\"",
					get_database_name(MyDatabaseId)),
			 errdetail(
				 "What the former primary sent and did not replicate is offered again, under the same ids."),
			 errhint("Set rcs.after_promotion to hold if somebody is to decide that.")));
}

/* Rows from elsewhere; NULL: none. */
static const char *
foreign_contents(void)
{
	RcsIdentityTimes times;
	bool filled;

	rcs_identity_read_times(&times);
	return rcs_contents_foreign(times.installed_at, &filled);
}

bool
rcs_identity_is_suspect(void)
{
	Identity was;
	Identity is;
	const char *why = NULL;

	read_present(&is);
	return foreign_contents() != NULL || (read_recorded(&was) && judge(&was, &is, &why) == SUSPECT);
}

/* The lock makes workers that start together agree. */
void
rcs_identity_check(void)
{
	Identity was;
	Identity is;
	Verdict verdict;
	const char *why = NULL;

	rcs_execute(&lock_table, NULL, NULL);
	read_present(&is);
	if (read_recorded(&was))
	{
		verdict = judge(&was, &is, &why);
		if (verdict != SUSPECT && (why = foreign_contents()) != NULL)
			verdict = SUSPECT;
		act(verdict, why);
	}
	else if (rcs_execute(&any_message, NULL, NULL) > 0)
		rcs_hold_by_worker("there are messages, but rcs.identity does not say where they are from");
	else
		rcs_execute(&insert_row, NULL, NULL);
}
