/*
 * change.c
 *		rcs_campaign_change: another text, name, time, rate or share.
 *
 * A text is never overwritten: the new one becomes the next version, and messages
 * that were offered under an older version keep it.  The new text must be valid
 * for all recipients who would get it, so their params are judged once more, a
 * batch at a time.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "account/chatbot.h"
#include "base/arguments.h"
#include "base/statement.h"
#include "campaign/campaign.h"
#include "campaign/judge.h"
#include "message/phone.h"
#include "process/owner.h"
#include "process/wakeup.h"
#include "queue/single.h"

PG_FUNCTION_INFO_V1(rcs_campaign_change);

enum
{
	ARG_CAMPAIGN,
	ARG_MESSAGE,
	ARG_NAME,
	ARG_START_AT,
	ARG_RATE,
	ARG_EXPIRES_AT,
	ARG_WEIGHT,
	ARG_COUNT
};

/* ---------- checks ---------- */

static void
check_arguments(FunctionCallInfo fcinfo)
{
	rcs_require_argument(PG_ARGISNULL(ARG_CAMPAIGN), "campaign");
	if (!PG_ARGISNULL(ARG_NAME))
		rcs_campaign_check_name(PG_GETARG_TEXT_PP(ARG_NAME));
	if (!PG_ARGISNULL(ARG_RATE) && PG_GETARG_INT32(ARG_RATE) < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("rate_per_minute is less than zero"),
						errhint("0 stands for no limit of the campaign's own.")));
	if (!PG_ARGISNULL(ARG_WEIGHT))
		rcs_campaign_check_weight(PG_GETARG_INT32(ARG_WEIGHT), GetUserId());
	if (!PG_ARGISNULL(ARG_START_AT) && TIMESTAMP_IS_NOBEGIN(PG_GETARG_TIMESTAMPTZ(ARG_START_AT)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("start_at is infinite"),
						errhint("Give a point in time, or 'infinity' for none.")));
	if (!PG_ARGISNULL(ARG_EXPIRES_AT))
		rcs_check_times(0, PG_GETARG_TIMESTAMPTZ(ARG_EXPIRES_AT), "start_at");
}

static void
refuse(const RcsCampaign *c, const char *state, const char *hint)
{
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("campaign \"%s\" is %s", rcs_uuid_text(&c->id), state),
					hint ? errhint("%s", hint) : 0));
}

static RcsStatement has_begun = {
	"SELECT FROM rcs.campaign c WHERE c.campaign_no = $1 AND coalesce(c.started_at, c.start_at) <= now()",
	1,
	{INT8OID},
	NULL};

static void
check_state(FunctionCallInfo fcinfo, const RcsCampaign *c)
{
	Datum values[] = {Int64GetDatum(c->campaign_no)};

	if (strcmp(c->state, "canceled") == 0 || c->expired)
		refuse(c, c->expired ? "expired" : c->state, NULL);
	if (!PG_ARGISNULL(ARG_MESSAGE) &&
		(strcmp(c->state, "running") == 0 || strcmp(c->state, "finished") == 0))
		refuse(c, c->state,
			   c->state[0] == 'r' ? "Pause it with rcs_campaign_pause to change its message."
								  : "Create another campaign for another message.");
	if (!PG_ARGISNULL(ARG_START_AT) && rcs_execute(&has_begun, values, NULL) > 0)
		refuse(c, "started", "Its start_at cannot be changed any more.");
}

/* ---------- judging the new text with all unsent recipients ---------- */

static RcsStatement next_batch =
	{"SELECT b.batch_id FROM rcs.batch b WHERE b.campaign_no = $1 AND b.batch_id > $2"
	 " AND b.version IS NULL ORDER BY b.batch_id LIMIT 1",
	 2,
	 {INT8OID, INT8OID},
	 NULL};
static RcsStatement unsent =
	{"SELECT m.phone, m.params FROM rcs.batch b JOIN rcs.message m"
	 "  ON m.campaign_no = $1 AND m.batch_id = coalesce(b.origin, b.batch_id)"
	 " WHERE b.campaign_no = $1 AND b.batch_id = $2 AND m.phone IS NOT NULL"
	 "  AND (b.ords IS NULL OR m.ord = ANY (b.ords))"
	 "  AND (b.canceled IS NULL OR m.ord <> ALL (b.canceled))"
	 "  AND (b.state = 'q' OR NOT EXISTS (SELECT FROM rcs.result r WHERE r.campaign_no = $1"
	 "   AND r.batch_id = m.batch_id AND r.ord = m.ord AND r.attempt = b.attempt))"
	 " ORDER BY m.ord",
	 2,
	 {INT8OID, INT8OID},
	 NULL};

typedef struct Judged
{
	int64 all;
	int64 bad;
	char *first; /* the first problem, with the number it is about */
} Judged;

static void
judge_row(RcsJudge *judge, uint64 row, Judged *judged, MemoryContext cxt)
{
	char *phone = rcs_column_text(row, 1, CurrentMemoryContext);
	char mask[RCS_PHONE_MASK_SIZE];
	const char *code;
	const char *reason;
	bool isnull;
	Datum params = rcs_column(row, 2, &isnull);

	judged->all++;
	if (rcs_judge_params(judge, isnull ? NULL : DatumGetJsonbP(params), &code, &reason))
		return;
	if (judged->bad++ > 0)
		return;
	rcs_phone_mask(phone, mask);
	judged->first = MemoryContextStrdup(cxt, psprintf("%s: %s", mask, reason));
}

static void
judge_batch(const RcsCampaign *c, RcsJudge *judge, int64 batch_id, Judged *judged,
			MemoryContext cxt)
{
	Datum values[] = {Int64GetDatum(c->campaign_no), Int64GetDatum(batch_id)};
	MemoryContext scratch =
		AllocSetContextCreate(CurrentMemoryContext, "rcs judging", ALLOCSET_DEFAULT_SIZES);
	uint64 n = rcs_execute(&unsent, values, NULL);
	SPITupleTable *rows = SPI_tuptable;
	MemoryContext old = MemoryContextSwitchTo(scratch);

	for (uint64 i = 0; i < n; i++)
		judge_row(judge, i, judged, cxt);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	SPI_freetuptable(rows);
}

static void
judge_unsent(const RcsCampaign *c, const RcsChatbot *bot, Jsonb *message)
{
	MemoryContext cxt = CurrentMemoryContext;
	RcsJudge *judge = rcs_judge_new(c, bot, message);
	Datum values[] = {Int64GetDatum(c->campaign_no), Int64GetDatum(0)};
	Judged judged = {0};

	while (rcs_execute(&next_batch, values, NULL) > 0)
	{
		int64 batch_id = rcs_column_int64(0, 1);

		CHECK_FOR_INTERRUPTS();
		SPI_freetuptable(SPI_tuptable);
		judge_batch(c, judge, batch_id, &judged, cxt);
		values[1] = Int64GetDatum(batch_id);
	}
	if (judged.bad > 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("message is not valid for " INT64_FORMAT " of " INT64_FORMAT
							   " unsent recipients",
							   judged.bad, judged.all),
						errdetail("The first is %s.", judged.first),
						errhint("Use the placeholders that all of them have values for.")));
}

/* ---------- the change ---------- */

static RcsStatement insert_version =
	{"INSERT INTO rcs.campaign_version (campaign_no, version, message, created_by)"
	 " VALUES ($1, $2, $3, $4)",
	 4,
	 {INT8OID, INT4OID, JSONBOID, TEXTOID},
	 NULL};

/* rcs_campaign_add judges by the present text, so the caller keeps it out by its lock. */
static void
change_message(const RcsCampaign *c, Jsonb *message, Oid caller)
{
	RcsChatbot *bot = rcs_usable_chatbot(c->chatbot, caller);
	Datum values[4];

	message = rcs_campaign_checked_message(message, bot, caller);
	judge_unsent(c, bot, message);
	values[0] = Int64GetDatum(c->campaign_no);
	values[1] = Int32GetDatum(c->version + 1);
	values[2] = JsonbPGetDatum(message);
	values[3] = CStringGetTextDatum(GetUserNameFromId(caller, false));
	rcs_execute(&insert_version, values, NULL);
}

static RcsStatement update_campaign =
	{"UPDATE rcs.campaign c SET name = coalesce($2, c.name),"
	 " start_at = CASE WHEN $3 IS NULL THEN c.start_at ELSE nullif($3, 'infinity') END,"
	 " rate_per_minute = CASE WHEN $4 IS NULL THEN c.rate_per_minute ELSE nullif($4, 0) END,"
	 " expires_at = CASE WHEN $5 IS NULL THEN c.expires_at ELSE nullif($5, 'infinity') END,"
	 " weight = coalesce($6, c.weight), version = coalesce($7, c.version)"
	 " WHERE c.campaign_no = $1 RETURNING coalesce(c.expires_at <= c.start_at, false),"
	 " jsonb_strip_nulls(jsonb_build_object('name', $2, 'start_at', $3, 'rate_per_minute', $4,"
	 "  'expires_at', $5, 'weight', $6, 'version', $7))::text",
	 7,
	 {INT8OID, TEXTOID, TIMESTAMPTZOID, INT4OID, TIMESTAMPTZOID, INT4OID, INT4OID},
	 NULL};

static void
update(FunctionCallInfo fcinfo, const RcsCampaign *c, Oid caller)
{
	Datum values[ARG_COUNT];
	char nulls[ARG_COUNT + 1] = "       ";
	bool isnull;

	values[0] = Int64GetDatum(c->campaign_no);
	for (int i = ARG_NAME; i < ARG_COUNT; i++)
	{
		values[i - 1] = PG_ARGISNULL(i) ? (Datum) 0 : PG_GETARG_DATUM(i);
		nulls[i - 1] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	values[6] = Int32GetDatum(c->version + 1);
	nulls[6] = PG_ARGISNULL(ARG_MESSAGE) ? 'n' : ' ';
	rcs_execute(&update_campaign, values, nulls);
	if (DatumGetBool(rcs_column(0, 1, &isnull)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("expires_at is not after start_at"),
						errhint("Give both, or one that fits the other.")));
	rcs_campaign_event(c->campaign_no, "changed", caller,
					   rcs_column_text(0, 2, CurrentMemoryContext));
	rcs_wakeup_steered();
}

static bool
changes_anything(FunctionCallInfo fcinfo)
{
	for (int i = ARG_MESSAGE; i < ARG_COUNT; i++)
		if (!PG_ARGISNULL(i))
			return true;
	return false;
}

Datum
rcs_campaign_change(PG_FUNCTION_ARGS)
{
	MemoryContext cxt = CurrentMemoryContext;
	pg_uuid_t *id;
	Oid caller = GetUserId();
	RcsOwnerScope scope;
	RcsCampaign *c;

	check_arguments(fcinfo);
	id = PG_GETARG_UUID_P(ARG_CAMPAIGN);
	rcs_owner_begin(&scope);
	SPI_connect();
	c = rcs_campaign_load(id, false, cxt);
	rcs_campaign_check_steer(c, caller);
	if (!PG_ARGISNULL(ARG_MESSAGE))
		rcs_campaign_lock_adding(c->campaign_no);
	c = rcs_campaign_load(id, true, cxt);
	if (changes_anything(fcinfo))
	{
		check_state(fcinfo, c);
		if (!PG_ARGISNULL(ARG_MESSAGE))
			change_message(c, PG_GETARG_JSONB_P(ARG_MESSAGE), caller);
		update(fcinfo, c, caller);
	}
	c = rcs_campaign_load(id, false, cxt);
	SPI_finish();
	rcs_owner_end(&scope);
	PG_RETURN_TEXT_P(cstring_to_text(c->state));
}
