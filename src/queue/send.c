/*
 * send.c
 *		rcs_send: one message into the queue, in the caller's transaction.
 *
 * It reads the arguments, and raises or records a problem.  draft.c knows how a
 * message must look, single.c how it is stored.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "account/chatbot.h"
#include "account/media_check.h"
#include "account/rights.h"
#include "base/arguments.h"
#include "message/draft.h"
#include "message/limits.h"
#include "message/phone.h"
#include "process/owner.h"
#include "queue/rejected.h"
#include "queue/send.h"
#include "queue/single.h"

typedef struct SendCall
{
	Oid caller;
	const char *phone; /* as given */
	char canonical[RCS_PHONE_MAX + 1];
	RcsDraft draft;
	const char *chatbot;
	const char *key;
	TimestampTz send_at;
	TimestampTz expires_at;
	bool record; /* on_error */
	bool urgent;
} SendCall;

/* ---------- arguments ---------- */

static bool
record_errors(const char *on_error)
{
	if (on_error == NULL || strcmp(on_error, "raise") == 0)
		return false;
	if (strcmp(on_error, "record") == 0)
		return true;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("on_error is neither \"raise\" nor \"record\""),
					errhint("Leave on_error out to raise errors.")));
}

static void
read_arguments(FunctionCallInfo fcinfo, bool is_text, SendCall *call)
{
	memset(call, 0, sizeof(SendCall));
	call->caller = GetUserId();
	call->phone = rcs_text_argument(fcinfo, 0);
	if (is_text)
		call->draft.text = rcs_text_argument(fcinfo, 1);
	else if (!PG_ARGISNULL(1))
		call->draft.message = PG_GETARG_JSONB_P(1);
	call->chatbot = rcs_text_argument(fcinfo, 2);
	call->key = rcs_text_argument(fcinfo, 3);
	call->send_at = PG_ARGISNULL(4) ? 0 : PG_GETARG_TIMESTAMPTZ(4);
	call->expires_at = PG_ARGISNULL(5) ? 0 : PG_GETARG_TIMESTAMPTZ(5);
	call->draft.params = PG_ARGISNULL(6) ? NULL : PG_GETARG_JSONB_P(6);
	call->draft.fallback = rcs_text_argument(fcinfo, 7);
	call->record = record_errors(rcs_text_argument(fcinfo, 8));
	call->urgent = !PG_ARGISNULL(9) && PG_GETARG_BOOL(9);

	if (call->key != NULL && call->key[0] == '\0')
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("key is empty"),
						errhint("Leave key out (NULL) when there is none.")));
	rcs_check_label("key", call->key);
	rcs_check_times(call->send_at, call->expires_at, "send_at");
	if (call->urgent)
		rcs_require_priority(call->caller, "send urgent messages", "Leave urgent out, or ask for");
}

/* ---------- judging ---------- */

static bool
refuse(RcsProblem *problem, const char *code, int sqlstate, const char *reason, const char *hint)
{
	problem->code = code;
	problem->sqlstate = sqlstate;
	problem->reason = reason;
	problem->detail = NULL;
	problem->hint = hint;
	return false;
}

/*
 * True for the text of a JSON object.  The parser of PostgreSQL decides; before
 * version 16 it can only raise an error.  We hold no resource while it runs, so
 * no subtransaction is needed to catch the error.
 */
static bool
is_json_object(const char *text)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool result = true;

	if (text[strspn(text, " \t\r\n")] != '{')
		return false;
	PG_TRY();
	{
		DirectFunctionCall1(json_in, CStringGetDatum(text));
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		if (geterrcode() != ERRCODE_INVALID_TEXT_REPRESENTATION)
			PG_RE_THROW();
		FlushErrorState();
		result = false;
	}
	PG_END_TRY();
	return result;
}

static bool
judge_phone(SendCall *call, RcsProblem *problem)
{
	const char *fault;

	if (call->phone == NULL)
		return refuse(problem, "phone", ERRCODE_NULL_VALUE_NOT_ALLOWED, "phone is null",
					  "Give the number of the recipient.");
	fault = rcs_phone_from_server(call->phone, (int) strlen(call->phone), call->canonical);
	if (fault == NULL)
		return true;
	return refuse(
		problem, "phone", ERRCODE_INVALID_PARAMETER_VALUE, psprintf("the number %s", fault),
		"Give a Korean mobile, land-line, 070 or 050 number, such as 010-1234-5678, 01012345678 or +82 10-1234-5678.");
}

static Jsonb *
judge_message(SendCall *call, RcsProblem *problem)
{
	const RcsDraft *draft = &call->draft;

	if (draft->text == NULL && draft->message == NULL)
		refuse(problem, "message", ERRCODE_NULL_VALUE_NOT_ALLOWED, "message is null",
			   "Give a text or a message.");
	else if (draft->text != NULL && is_json_object(draft->text))
		refuse(problem, "message", ERRCODE_INVALID_PARAMETER_VALUE, "text is a JSON object",
			   "A message is sent with an argument of type jsonb: cast it to jsonb.");
	else
		return rcs_message_build(draft, problem);
	return NULL;
}

static const char *
masked(const char *phone)
{
	char *mask = palloc(RCS_PHONE_MASK_SIZE);

	rcs_phone_mask(phone ? phone : "", mask);
	return mask;
}

static void
raise_problem(const char *phone, const RcsProblem *problem)
{
	if (strcmp(problem->code, "phone") == 0 && phone != NULL)
		ereport(ERROR,
				(errcode(problem->sqlstate), errmsg("invalid phone number %s", masked(phone)),
				 errdetail("Refused because %s.", problem->reason), errhint("%s", problem->hint)));
	rcs_problem_raise(problem);
}

char *
rcs_phone_or_error(const char *phone)
{
	SendCall call = {.phone = phone};
	RcsProblem problem;

	if (!judge_phone(&call, &problem))
		raise_problem(phone, &problem);
	return pstrdup(call.canonical);
}

/* Recorded, so that a typing error does not roll back the order of a shop. */
static void
record_problem(const SendCall *call, const RcsProblem *problem)
{
	const char *reason = problem->detail ? problem->detail : problem->reason;
	RcsRejected rejected = {
		.phone = call->phone,
		.phone_len = call->phone ? (int) strlen(call->phone) : 0,
		.params = rcs_params_fault(call->draft.params) == NULL ? call->draft.params : NULL,
		.code = problem->code,
		.reason = reason,
	};

	SPI_connect();
	rcs_rejected_insert(&rejected);
	SPI_finish();
	ereport(WARNING, (errcode(problem->sqlstate),
					  errmsg("message to %s was not queued: %s", masked(call->phone), reason),
					  problem->hint ? errhint("%s", problem->hint) : 0));
}

/* ---------- SQL ---------- */

static void
enqueue(const SendCall *call, const char *chatbot, Jsonb *message, pg_uuid_t *id)
{
	RcsSingle single = {.phone = call->canonical,
						.message = message,
						.chatbot = chatbot,
						.key = call->key,
						.send_at = call->send_at,
						.expires_at = call->expires_at,
						.created_by = call->caller,
						.urgent = call->urgent};

	if (call->key != NULL)
		rcs_single_insert_keyed(&single);
	else
	{
		single.id = *DatumGetUUIDP(DirectFunctionCall1(gen_random_uuid, (Datum) 0));
		rcs_single_insert(&single);
	}
	*id = single.id;
}

static Datum
send_call(FunctionCallInfo fcinfo, bool is_text)
{
	pg_uuid_t *id = palloc(sizeof(pg_uuid_t));
	SendCall call;
	RcsProblem problem;
	RcsOwnerScope scope;
	RcsChatbot *bot;
	Jsonb *message = NULL;

	read_arguments(fcinfo, is_text, &call);
	rcs_owner_begin(&scope);
	bot = rcs_usable_chatbot(call.chatbot, call.caller);
	call.draft.facts = rcs_chatbot_facts(bot);
	if (judge_phone(&call, &problem))
		message = judge_message(&call, &problem);
	if (message != NULL && !rcs_media_check_urls(message, call.caller, &problem))
		message = NULL;
	if (message != NULL)
		enqueue(&call, bot->chatbot, message, id);
	else if (call.record)
		record_problem(&call, &problem);
	else
		raise_problem(call.phone, &problem);
	rcs_owner_end(&scope);
	if (message == NULL)
		PG_RETURN_NULL();
	PG_RETURN_UUID_P(id);
}

PG_FUNCTION_INFO_V1(rcs_send_text);
Datum
rcs_send_text(PG_FUNCTION_ARGS)
{
	return send_call(fcinfo, true);
}

PG_FUNCTION_INFO_V1(rcs_send_message);
Datum
rcs_send_message(PG_FUNCTION_ARGS)
{
	return send_call(fcinfo, false);
}
