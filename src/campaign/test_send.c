/*
 * test_send.c
 *		rcs_campaign_test: a campaign's message to one phone, to try it.
 *
 * It goes as a single message with the params of a recipient, and is in no
 * count of the campaign.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "account/chatbot.h"
#include "account/media_check.h"
#include "base/arguments.h"
#include "base/statement.h"
#include "campaign/campaign.h"
#include "message/draft.h"
#include "message/message_id.h"
#include "process/owner.h"
#include "queue/send.h"
#include "queue/single.h"

static RcsStatement params_of = {"SELECT m.params FROM rcs.message m WHERE m.id = $1",
								 1,
								 {UUIDOID},
								 NULL};
static RcsStatement first_params =
	{"SELECT m.params FROM rcs.message m WHERE m.campaign_no = $1 AND m.phone IS NOT NULL"
	 " ORDER BY m.batch_id, m.ord LIMIT 1",
	 1,
	 {INT8OID},
	 NULL};

/* The params of the recipient who is named, or of the first one; NULL = none. */
static Jsonb *
test_params(const RcsCampaign *c, const char *like_phone, MemoryContext cxt)
{
	Datum values[1] = {Int64GetDatum(c->campaign_no)};
	pg_uuid_t id;

	if (like_phone != NULL)
	{
		rcs_message_id(&c->id, rcs_phone_or_error(like_phone), 0, &id);
		values[0] = UUIDPGetDatum(&id);
		if (rcs_execute(&params_of, values, NULL) == 0)
			ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
							errmsg("like_phone is no recipient of campaign \"%s\"",
								   rcs_uuid_text(&c->id))));
	}
	else if (rcs_execute(&first_params, values, NULL) == 0)
		return NULL;
	return rcs_column_jsonb(0, 1, cxt);
}

/* A message of the single lane: it is in no count of the campaign. */
static void
send_test(const RcsCampaign *c, const char *phone, Jsonb *params, Oid caller, pg_uuid_t *id)
{
	RcsChatbot *bot = rcs_usable_chatbot(c->chatbot, caller);
	RcsSingle single = {.phone = phone, .chatbot = bot->chatbot, .created_by = caller};
	Jsonb *text = rcs_campaign_message(c, c->version, CurrentMemoryContext);
	RcsDraft draft = {.message = text, .facts = rcs_chatbot_facts(bot), .params = params};
	RcsProblem problem;

	single.message = rcs_message_build(&draft, &problem);
	if (single.message == NULL || !rcs_media_check_urls(single.message, caller, &problem))
		rcs_problem_raise(&problem);
	single.id = *DatumGetUUIDP(DirectFunctionCall1(gen_random_uuid, (Datum) 0));
	rcs_single_insert(&single);
	*id = single.id;
}

PG_FUNCTION_INFO_V1(rcs_campaign_test);
Datum
rcs_campaign_test(PG_FUNCTION_ARGS)
{
	pg_uuid_t *id = palloc(sizeof(pg_uuid_t));
	Oid caller = GetUserId();
	char *like_phone = rcs_text_argument(fcinfo, 2);
	char *phone;
	RcsOwnerScope scope;
	RcsCampaign *c;

	rcs_require_argument(PG_ARGISNULL(0), "campaign");
	rcs_require_argument(PG_ARGISNULL(1), "phone");
	phone = rcs_phone_or_error(rcs_text_argument(fcinfo, 1));
	rcs_owner_begin(&scope);
	SPI_connect();
	c = rcs_campaign_load(PG_GETARG_UUID_P(0), false, CurrentMemoryContext);
	rcs_campaign_check_steer(c, caller);
	send_test(c, phone, test_params(c, like_phone, CurrentMemoryContext), caller, id);
	rcs_campaign_event(c->campaign_no, "tested", caller,
					   psprintf("{\"message\": \"%s\"}", rcs_uuid_text(id)));
	SPI_finish();
	rcs_owner_end(&scope);
	PG_RETURN_UUID_P(id);
}
