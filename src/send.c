/*
 * send.c
 *		rcs_send: one message into the queue, in the caller's transaction.
 *
 * A single message is a batch of one, so that leasing and deleting it is by
 * key.  What a message must look like is message.c; when and how it leaves is
 * no business of this file.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "message.h"
#include "message_id.h"
#include "owner.h"
#include "phone.h"
#include "send.h"
#include "statement.h"
#include "wakeup.h"

#define MAX_KEY_RACES 10		/* a key purged and used again while we look */
#define MAX_REJECTED_PHONE 100	/* bytes of a bad number worth keeping */

typedef struct SendCall
{
	Oid			caller;
	const char *phone;			/* as given */
	char		canonical[RCS_PHONE_MAX + 1];
	RcsDraft	draft;
	const char *chatbot;
	const char *key;
	TimestampTz send_at;
	TimestampTz expires_at;
	bool		record;			/* on_error */
} SendCall;

/* ---------- arguments ---------- */

static char *
text_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

static bool
record_errors(const char *on_error)
{
	if (on_error == NULL || strcmp(on_error, "raise") == 0)
		return false;
	if (strcmp(on_error, "record") == 0)
		return true;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("on_error is neither \"raise\" nor \"record\""),
			 errhint("Leave on_error out to raise errors.")));
}

static void
read_arguments(FunctionCallInfo fcinfo, bool is_text, SendCall *call)
{
	memset(call, 0, sizeof(SendCall));
	call->caller = GetUserId();
	call->phone = text_argument(fcinfo, 0);
	if (is_text)
		call->draft.text = text_argument(fcinfo, 1);
	else if (!PG_ARGISNULL(1))
		call->draft.message = PG_GETARG_JSONB_P(1);
	call->chatbot = text_argument(fcinfo, 2);
	call->key = text_argument(fcinfo, 3);
	call->send_at = PG_ARGISNULL(4) ? 0 : PG_GETARG_TIMESTAMPTZ(4);
	call->expires_at = PG_ARGISNULL(5) ? 0 : PG_GETARG_TIMESTAMPTZ(5);
	call->draft.params = PG_ARGISNULL(6) ? NULL : PG_GETARG_JSONB_P(6);
	call->draft.fallback = text_argument(fcinfo, 7);
	call->record = record_errors(text_argument(fcinfo, 8));

	if (call->key != NULL && call->key[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("key is empty"),
				 errhint("Leave key out (NULL) when there is none.")));
	rcs_check_times(call->send_at, call->expires_at, "send_at");
}

void
rcs_check_times(TimestampTz start_at, TimestampTz expires_at, const char *start_name)
{
	if (start_at != 0 && TIMESTAMP_NOT_FINITE(start_at))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is infinite", start_name),
				 errhint("Give a point in time, or leave %s out.", start_name)));
	if (expires_at == 0)
		return;
	if (expires_at <= GetCurrentTimestamp())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("expires_at is in the past"),
				 errhint("Give a later time, or leave expires_at out.")));
	if (start_at != 0 && expires_at <= start_at)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("expires_at is not after %s", start_name),
				 errhint("Give a later time, or leave expires_at out.")));
}

RcsChatbot *
rcs_usable_chatbot(const char *given, Oid caller)
{
	/* the name is looked up only where one is still to be chosen, or to be complained of */
	RcsChatbot *bot = given ? rcs_chatbot_load(given) : NULL;

	if (bot == NULL)
		bot = rcs_chatbot_load(rcs_chatbot_resolve(given));
	rcs_account_check_usage(caller, bot->servers);
	return bot;
}

/* ---------- judging ---------- */

static bool
refuse(RcsProblem *problem, const char *code, int sqlstate, const char *reason, const char *hint)
{
	problem->code = code;
	problem->sqlstate = sqlstate;
	problem->reason = reason;
	problem->hint = hint;
	return false;
}

/*
 * Is it the text of a JSON object?  The parser of PostgreSQL decides, whose
 * only verdict before version 16 is an error.  Nothing of ours is held while
 * it runs, so no subtransaction is needed to catch one.
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
	return refuse(problem, "phone", ERRCODE_INVALID_PARAMETER_VALUE,
				  psprintf("the number %s", fault),
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
	char	   *mask = palloc(RCS_PHONE_MASK_SIZE);

	rcs_phone_mask(phone ? phone : "", mask);
	return mask;
}

static void
raise_problem(const char *phone, const RcsProblem *problem)
{
	if (strcmp(problem->code, "phone") == 0 && phone != NULL)
		ereport(ERROR,
				(errcode(problem->sqlstate),
				 errmsg("invalid phone number %s", masked(phone)),
				 errdetail("Refused because %s.", problem->reason),
				 errhint("%s", problem->hint)));
	ereport(ERROR,
			(errcode(problem->sqlstate),
			 errmsg("%s", problem->reason),
			 problem->hint ? errhint("%s", problem->hint) : 0));
}

char *
rcs_phone_or_error(const char *phone)
{
	SendCall	call = {.phone = phone};
	RcsProblem	problem;

	if (!judge_phone(&call, &problem))
		raise_problem(phone, &problem);
	return pstrdup(call.canonical);
}

static RcsStatement insert_rejected = {
	"INSERT INTO rcs.rejected (phone, params, code, reason) VALUES ($1, $2, $3, $4)",
	4, {TEXTOID, JSONBOID, TEXTOID, TEXTOID}, NULL
};

/* So that an order is not rolled back by a typing error. */
static void
record_problem(const SendCall *call, const RcsProblem *problem)
{
	Datum		values[4] = {0};
	char		nulls[] = "    ";

	if (call->phone == NULL)
		nulls[0] = 'n';
	else
		values[0] = PointerGetDatum(cstring_to_text_with_len(call->phone,
															 pg_mbcliplen(call->phone,
																		  (int) strlen(call->phone),
																		  MAX_REJECTED_PHONE)));
	if (call->draft.params == NULL)
		nulls[1] = 'n';
	values[1] = PointerGetDatum(call->draft.params);
	values[2] = CStringGetTextDatum(problem->code);
	values[3] = CStringGetTextDatum(problem->reason);
	SPI_connect();
	rcs_execute(&insert_rejected, values, nulls);
	SPI_finish();
	ereport(WARNING,
			(errcode(problem->sqlstate),
			 errmsg("message to %s was not queued: %s", masked(call->phone), problem->reason),
			 problem->hint ? errhint("%s", problem->hint) : 0));
}

/* ---------- queueing ---------- */

static RcsStatement insert_single = {
	"WITH m AS ("
	" INSERT INTO rcs.message (campaign_no, batch_id, ord, id, created_at, phone, message,"
	"  chatbot, key, digest, send_at, expires_at, created_by)"
	" VALUES (0, $1, 1, $2, now(), $3, $4, $5, $6, $7, $8, $9, $10)"
	" ON CONFLICT (id, campaign_no) DO NOTHING RETURNING send_at)"
	" INSERT INTO rcs.batch (campaign_no, batch_id, n, due_at)"
	" SELECT 0, $1, 1, coalesce(m.send_at, now()) FROM m",
	10, {INT8OID, UUIDOID, TEXTOID, JSONBOID, TEXTOID, TEXTOID, BYTEAOID, TIMESTAMPTZOID,
	TIMESTAMPTZOID, TEXTOID}, NULL
};

bool
rcs_single_insert(const RcsSingle *single)
{
	Oid			sequence = get_relname_relid("batch_id_seq", get_namespace_oid("rcs", false));
	int64		batch_id = nextval_internal(sequence, false);
	Datum		values[10];
	char		nulls[] = "          ";
	bool		inserted;

	values[0] = Int64GetDatum(batch_id);
	values[1] = UUIDPGetDatum(&single->id);
	values[2] = CStringGetTextDatum(single->phone);
	values[3] = JsonbPGetDatum(single->message);
	values[4] = CStringGetTextDatum(single->chatbot);
	values[5] = single->key ? CStringGetTextDatum(single->key) : (Datum) 0;
	values[6] = PointerGetDatum(single->digest);
	values[7] = TimestampTzGetDatum(single->send_at);
	values[8] = TimestampTzGetDatum(single->expires_at);
	values[9] = CStringGetTextDatum(GetUserNameFromId(single->created_by, false));
	if (single->key == NULL)
		nulls[5] = 'n';
	if (single->digest == NULL)
		nulls[6] = 'n';
	if (single->send_at == 0)
		nulls[7] = 'n';
	if (single->expires_at == 0)
		nulls[8] = 'n';

	SPI_connect();
	inserted = rcs_execute(&insert_single, values, nulls) > 0;
	SPI_finish();
	if (inserted)
		rcs_wakeup_single(batch_id);
	return inserted;
}

/* ---------- keys ---------- */

static RcsStatement make_namespace = {
	"INSERT INTO rcs.installation DEFAULT VALUES ON CONFLICT DO NOTHING", 0, {0}, NULL
};
static RcsStatement read_namespace = {
	"SELECT i.namespace FROM rcs.installation i", 0, {0}, NULL
};

/* Written at the first key; two who are first wait for each other. */
static pg_uuid_t
installation_namespace(void)
{
	pg_uuid_t	ns;
	bool		isnull;

	SPI_connect();
	if (rcs_execute(&read_namespace, NULL, NULL) == 0)
	{
		rcs_execute(&make_namespace, NULL, NULL);
		if (rcs_execute(&read_namespace, NULL, NULL) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("could not read the namespace of keys, which another transaction has just written"),
					 errhint("Repeat the transaction.")));
	}
	ns = *DatumGetUUIDP(rcs_column(0, 1, &isnull));
	SPI_finish();
	return ns;
}

static char *
to_utf8(const char *text)
{
	return pg_server_to_any(text, (int) strlen(text), PG_UTF8);
}

/* What was asked, and nothing that varies between two calls that ask the same. */
static bytea *
content_digest(const RcsSingle *single)
{
	StringInfoData content;
	bytea	   *bytes;

	initStringInfo(&content);
	appendStringInfo(&content, "%s\n", single->phone);
	JsonbToCString(&content, &single->message->root, VARSIZE(single->message));
	bytes = palloc(content.len + VARHDRSZ);
	SET_VARSIZE(bytes, content.len + VARHDRSZ);
	memcpy(VARDATA(bytes), content.data, content.len);
	return DatumGetByteaPP(DirectFunctionCall1(sha256_bytea, PointerGetDatum(bytes)));
}

static RcsStatement find_keyed = {
	"SELECT m.phone = $2 AND m.digest = $3 FROM rcs.message m WHERE m.id = $1 AND m.campaign_no = 0",
	3, {UUIDOID, TEXTOID, BYTEAOID}, NULL
};

/* False when nothing has the id (any more). */
static bool
is_repeat(const RcsSingle *single)
{
	Datum		values[] = {
		UUIDPGetDatum(&single->id),
		CStringGetTextDatum(single->phone),
		PointerGetDatum(single->digest)
	};
	bool		found;
	bool		isnull;
	bool		same = false;

	SPI_connect();
	found = rcs_execute(&find_keyed, values, NULL) > 0;
	if (found)
		same = DatumGetBool(rcs_column(0, 1, &isnull));
	SPI_finish();
	if (found && !same)
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("key was used before with another phone number or content"),
				 errhint("Use a new key, or repeat exactly what was sent under this one.")));
	return found;
}

/* The same key again gives the same id, and sends nothing again. */
static void
insert_keyed(RcsSingle *single)
{
	pg_uuid_t	ns = installation_namespace();

	rcs_keyed_id(&ns, to_utf8(single->chatbot), to_utf8(single->key), &single->id);
	single->digest = content_digest(single);
	for (int i = 0; i < MAX_KEY_RACES; i++)
	{
		if (rcs_single_insert(single) || is_repeat(single))
			return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("key is being used by other transactions"),
			 errhint("Repeat the transaction.")));
}

static void
enqueue(const SendCall *call, const char *chatbot, Jsonb *message, pg_uuid_t *id)
{
	RcsSingle	single = {
		.phone = call->canonical,
		.message = message,
		.chatbot = chatbot,
		.key = call->key,
		.send_at = call->send_at,
		.expires_at = call->expires_at,
		.created_by = call->caller
	};

	if (call->key != NULL)
		insert_keyed(&single);
	else
	{
		single.id = *DatumGetUUIDP(DirectFunctionCall1(gen_random_uuid, (Datum) 0));
		rcs_single_insert(&single);
	}
	*id = single.id;
}

/* ---------- SQL ---------- */

static Datum
send_call(FunctionCallInfo fcinfo, bool is_text)
{
	pg_uuid_t  *id = palloc(sizeof(pg_uuid_t));
	SendCall	call;
	RcsProblem	problem;
	RcsOwnerScope scope;
	RcsChatbot *bot;
	Jsonb	   *message = NULL;

	read_arguments(fcinfo, is_text, &call);
	rcs_owner_begin(&scope);
	bot = rcs_usable_chatbot(call.chatbot, call.caller);
	call.draft.callback = bot->callback;
	if (judge_phone(&call, &problem))
		message = judge_message(&call, &problem);
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
