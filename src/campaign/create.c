/*
 * create.c
 *		rcs_campaign_create, and the checks of a campaign.
 *
 * change.c uses the same checks.  This file must not know recipients.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "account/chatbot.h"
#include "account/media_check.h"
#include "account/rights.h"
#include "base/arguments.h"
#include "base/statement.h"
#include "campaign/campaign.h"
#include "message/draft.h"
#include "message/limits.h"
#include "process/owner.h"
#include "process/wakeup.h"
#include "queue/single.h"

#define WEIGHT_OF_ALL 10 /* more needs the right to go before others */

typedef struct CreateCall
{
	Oid caller;
	text *name;
	Jsonb *message;
	const char *chatbot;
	TimestampTz start_at;	/* 0 = none */
	int rate_per_minute;	/* 0 = none */
	TimestampTz expires_at; /* 0 = none */
	text *in_doubt;
	pg_uuid_t *id; /* NULL = a random one */
	int weight;
} CreateCall;

static void
check_in_doubt(text *in_doubt)
{
	char *value = in_doubt ? text_to_cstring(in_doubt) : "hold";

	if (strcmp(value, "hold") != 0 && strcmp(value, "resend") != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("in_doubt is neither \"resend\" nor \"hold\""),
						errhint("Leave in_doubt out to follow the setting rcs.in_doubt.")));
}

void
rcs_campaign_check_name(text *name)
{
	char *value = text_to_cstring(name);

	if (value[strspn(value, " \t\r\n")] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("name of the campaign is empty"),
				 errhint("Give a name by which people find it.")));
	rcs_check_label("name of the campaign", value);
}

void
rcs_campaign_check_weight(int weight, Oid caller)
{
	if (weight < 1 || weight > 1000)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("weight is not from 1 to 1000"),
				 errhint("A campaign of weight 3 gets three times the share of one of weight 1.")));
	if (weight > WEIGHT_OF_ALL)
		rcs_require_priority(caller, "give a campaign a weight above 10",
							 "Give a weight from 1 to 10, or ask for");
}

static void
read_create_arguments(FunctionCallInfo fcinfo, CreateCall *call)
{
	memset(call, 0, sizeof(CreateCall));
	rcs_require_argument(PG_ARGISNULL(0), "name");
	rcs_require_argument(PG_ARGISNULL(1), "message");
	call->caller = GetUserId();
	call->name = PG_GETARG_TEXT_PP(0);
	call->message = PG_GETARG_JSONB_P(1);
	call->chatbot = PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2));
	call->start_at = PG_ARGISNULL(3) ? 0 : PG_GETARG_TIMESTAMPTZ(3);
	call->rate_per_minute = PG_ARGISNULL(4) ? 0 : PG_GETARG_INT32(4);
	call->expires_at = PG_ARGISNULL(5) ? 0 : PG_GETARG_TIMESTAMPTZ(5);
	call->in_doubt = PG_ARGISNULL(6) ? NULL : PG_GETARG_TEXT_PP(6);
	call->id = PG_ARGISNULL(7) ? NULL : PG_GETARG_UUID_P(7);
	call->weight = PG_ARGISNULL(8) ? 1 : PG_GETARG_INT32(8);

	rcs_campaign_check_name(call->name);
	rcs_check_times(call->start_at, call->expires_at, "start_at");
	check_in_doubt(call->in_doubt);
	rcs_campaign_check_weight(call->weight, call->caller);
	if (!PG_ARGISNULL(4) && call->rate_per_minute <= 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("rate_per_minute is not greater than zero"),
						errhint("Leave rate_per_minute out for no limit of the campaign's own.")));
}

/* The values of placeholders are not known yet; rcs_campaign_add checks the message with them. */
Jsonb *
rcs_campaign_checked_message(Jsonb *message, const RcsChatbot *bot, Oid caller)
{
	RcsFacts facts = rcs_chatbot_facts(bot);
	RcsProblem problem;
	Jsonb *checked = rcs_message_for_campaign(message, &facts, &problem);

	if (checked == NULL || !rcs_media_check_urls(checked, caller, &problem))
		rcs_problem_raise(&problem);
	return checked;
}

static RcsStatement insert_campaign =
	{"WITH c AS ("
	 " INSERT INTO rcs.campaign (id, name, chatbot, start_at, rate_per_minute, expires_at,"
	 "  in_doubt, created_by, weight)"
	 " VALUES (coalesce($1, gen_random_uuid()), $2, $3, $4, $5, $6, $7, rcs._creator($8), $10)"
	 " ON CONFLICT (id) DO NOTHING RETURNING campaign_no, id, version),"
	 " v AS ("
	 " INSERT INTO rcs.campaign_version (campaign_no, version, message, created_by)"
	 " SELECT c.campaign_no, c.version, $9, pg_get_userbyid($8) FROM c)"
	 " SELECT c.campaign_no, c.id FROM c",
	 10,
	 {UUIDOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, INT4OID, TIMESTAMPTZOID, TEXTOID, OIDOID, JSONBOID,
	  INT4OID},
	 NULL};

static pg_uuid_t
create_campaign(const CreateCall *call, const char *chatbot)
{
	Datum values[10];
	char nulls[] = "          ";
	pg_uuid_t id;
	bool isnull;

	values[0] = UUIDPGetDatum(call->id);
	values[1] = PointerGetDatum(call->name);
	values[2] = CStringGetTextDatum(chatbot);
	values[3] = TimestampTzGetDatum(call->start_at);
	values[4] = Int32GetDatum(call->rate_per_minute);
	values[5] = TimestampTzGetDatum(call->expires_at);
	values[6] = PointerGetDatum(call->in_doubt);
	values[7] = ObjectIdGetDatum(call->caller);
	values[8] = JsonbPGetDatum(call->message);
	values[9] = Int32GetDatum(call->weight);
	nulls[0] = call->id ? ' ' : 'n';
	nulls[3] = call->start_at != 0 ? ' ' : 'n';
	nulls[4] = call->rate_per_minute != 0 ? ' ' : 'n';
	nulls[5] = call->expires_at != 0 ? ' ' : 'n';
	nulls[6] = call->in_doubt ? ' ' : 'n';
	if (rcs_execute(&insert_campaign, values, nulls) == 0)
		ereport(ERROR, (errcode(ERRCODE_UNIQUE_VIOLATION),
						errmsg("campaign \"%s\" already exists", rcs_uuid_text(call->id)),
						errhint("Leave id out to get a new one.")));
	id = *DatumGetUUIDP(rcs_column(0, 2, &isnull));
	rcs_campaign_event(rcs_column_int64(0, 1), "created", call->caller, NULL);
	return id;
}

PG_FUNCTION_INFO_V1(rcs_campaign_create);
Datum
rcs_campaign_create(PG_FUNCTION_ARGS)
{
	pg_uuid_t *id = palloc(sizeof(pg_uuid_t));
	CreateCall call;
	RcsOwnerScope scope;
	RcsChatbot *bot;

	read_create_arguments(fcinfo, &call);
	rcs_owner_begin(&scope);
	bot = rcs_usable_chatbot(call.chatbot, call.caller);
	call.message = rcs_campaign_checked_message(call.message, bot, call.caller);
	SPI_connect();
	*id = create_campaign(&call, bot->chatbot);
	SPI_finish();
	rcs_owner_end(&scope);
	if (call.start_at != 0)
		rcs_wakeup_campaign();
	PG_RETURN_UUID_P(id);
}
