/*
 * test_send.c
 *		Around the sending of a campaign: a dry run, one message to try it, and
 *		once more to those for whom it failed.
 *
 * Who may is decided here; what is counted and copied is SQL
 * (schema/61_campaign_life.sql).  It must not know how messages are leased.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "account/rights.h"
#include "base/statement.h"
#include "campaign/campaign.h"
#include "media/media.h"
#include "message/draft.h"
#include "message/message_id.h"
#include "process/guc.h"
#include "process/owner.h"
#include "process/wakeup.h"
#include "queue/send.h"
#include "queue/single.h"

PG_FUNCTION_INFO_V1(rcs_campaign_check);
PG_FUNCTION_INFO_V1(rcs_campaign_test);
PG_FUNCTION_INFO_V1(rcs_campaign_resend_failed);

/* ---------- a dry run ---------- */

#define CHECK_COLUMNS 6

static RcsStatement check = {"SELECT * FROM rcs._campaign_check($1)", 1, {INT8OID}, NULL};

Datum
rcs_campaign_check(PG_FUNCTION_ARGS)
{
	Oid caller = GetUserId();
	Datum values[CHECK_COLUMNS];
	bool nulls[CHECK_COLUMNS];
	Datum campaign_no[1];
	RcsOwnerScope scope;
	RcsCampaign *c;
	TupleDesc desc;
	Datum row;

	rcs_require_argument(PG_ARGISNULL(0), "campaign");
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("rcs_campaign_check must return a row")));
	rcs_owner_begin(&scope);
	SPI_connect();
	c = rcs_campaign_load(PG_GETARG_UUID_P(0), false, CurrentMemoryContext);
	if (!rcs_may_see(caller, c->created_by, c->chatbot))
		rcs_campaign_check_steer(c, caller);
	campaign_no[0] = Int64GetDatum(c->campaign_no);
	rcs_execute(&check, campaign_no, NULL);
	for (int i = 0; i < CHECK_COLUMNS; i++)
		values[i] = rcs_column(0, i + 1, &nulls[i]);
	/* in the memory of the caller, while what it is made of is still there */
	row = SPI_datumTransfer(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)),
							false, -1);
	SPI_finish();
	rcs_owner_end(&scope);
	PG_RETURN_DATUM(row);
}

/* ---------- one message, to try it ---------- */

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

/* Of the recipient who is named, or of the first; NULL = none. */
static Jsonb *
test_params(const RcsCampaign *c, const char *like_phone, MemoryContext cxt)
{
	Datum values[1] = {Int64GetDatum(c->campaign_no)};
	Jsonb *params = NULL;
	MemoryContext old;
	pg_uuid_t id;
	Datum found;
	bool isnull;

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
	found = rcs_column(0, 1, &isnull);
	old = MemoryContextSwitchTo(cxt);
	if (!isnull)
		params = DatumGetJsonbPCopy(found);
	MemoryContextSwitchTo(old);
	return params;
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
		ereport(ERROR, (errcode(problem.sqlstate), errmsg("%s", problem.reason),
						problem.detail ? errdetail("%s.", problem.detail) : 0,
						problem.hint ? errhint("%s", problem.hint) : 0));
	single.id = *DatumGetUUIDP(DirectFunctionCall1(gen_random_uuid, (Datum) 0));
	rcs_single_insert(&single);
	*id = single.id;
}

static char *
text_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

Datum
rcs_campaign_test(PG_FUNCTION_ARGS)
{
	pg_uuid_t *id = palloc(sizeof(pg_uuid_t));
	Oid caller = GetUserId();
	char *like_phone = text_argument(fcinfo, 2);
	char *phone;
	RcsOwnerScope scope;
	RcsCampaign *c;

	rcs_require_argument(PG_ARGISNULL(0), "campaign");
	rcs_require_argument(PG_ARGISNULL(1), "phone");
	phone = rcs_phone_or_error(text_argument(fcinfo, 1));
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

/* ---------- once more to those for whom it failed ---------- */

static RcsStatement resend = {"SELECT rcs._resend_failed($1, $2, $3)",
							  3,
							  {INT8OID, TEXTARRAYOID, INT4OID},
							  NULL};

Datum
rcs_campaign_resend_failed(PG_FUNCTION_ARGS)
{
	Oid caller = GetUserId();
	Datum values[3];
	RcsOwnerScope scope;
	RcsCampaign *c;
	int64 n;

	rcs_require_argument(PG_ARGISNULL(0), "campaign");
	rcs_owner_begin(&scope);
	SPI_connect();
	c = rcs_campaign_load(PG_GETARG_UUID_P(0), false, CurrentMemoryContext);
	rcs_campaign_check_steer(c, caller);
	rcs_usable_chatbot(c->chatbot, caller);
	rcs_campaign_lock_adding(c->campaign_no);
	c = rcs_campaign_load(PG_GETARG_UUID_P(0), true, CurrentMemoryContext);
	if (strcmp(c->state, "canceled") == 0 || c->expired)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("campaign \"%s\" is %s", rcs_uuid_text(&c->id),
						c->expired ? "expired" : c->state),
				 errhint("Create another campaign for those whom this one has not reached.")));
	values[0] = Int64GetDatum(c->campaign_no);
	values[1] = PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1);
	values[2] = Int32GetDatum(rcs_batch_size);
	rcs_execute(&resend, values, PG_ARGISNULL(1) ? " n " : NULL);
	n = rcs_column_int64(0, 1);
	if (n > 0)
	{
		rcs_campaign_event(c->campaign_no, "resent", caller,
						   psprintf("{\"n\": " INT64_FORMAT "}", n));
		rcs_wakeup_campaign();
	}
	SPI_finish();
	rcs_owner_end(&scope);
	PG_RETURN_INT64(n);
}
