/*
 * message.c
 *		Messages before they are queued: small checks, plain text, fallback.
 *
 * Only what no message can do without is checked here; the carrier's long list
 * of rules is no business of the queue.  It must not know SQL, settings, the
 * carrier's wire format, or who sends.
 */
#include "postgres.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "message.h"
#include "template.h"

#define SMS_CHARACTERS 100 /* RCSSMS; beyond it is RCSLMS */
#define LMS_CHARACTERS 1300
#define SMS_BYTES 80 /* fallback SMS; beyond it is LMS */
#define LMS_BYTES 4000

static bool
refuse(RcsProblem *problem, const char *code, const char *reason, const char *hint)
{
	problem->code = code;
	problem->sqlstate = ERRCODE_INVALID_PARAMETER_VALUE;
	problem->reason = reason;
	problem->hint = hint;
	return false;
}

static JsonbValue *
member(JsonbContainer *object, const char *name)
{
	return getKeyJsonValueFromContainer(object, name, (int) strlen(name), NULL);
}

static bool
is_text(const JsonbValue *v, const char *text)
{
	return v != NULL && v->type == jbvString && v->val.string.len == (int) strlen(text) &&
		   memcmp(v->val.string.val, text, v->val.string.len) == 0;
}

static bool
is_object(const JsonbValue *v)
{
	return v != NULL && v->type == jbvBinary && JsonContainerIsObject(v->val.binary.data);
}

/* ---------- checks ---------- */

static bool
known_service_type(const JsonbValue *v)
{
	static const char *const types[] = {"RCSSMS",  "RCSLMS",   "RCSMMS",
										"RCSTMPL", "RCSITMPL", "RCSCHAT"};

	for (int i = 0; i < (int) lengthof(types); i++)
	{
		if (is_text(v, types[i]))
			return true;
	}
	return false;
}

/*
 * A campaign must say whether it is advertising: a forgotten header would send
 * advertising as information.
 */
static bool
check_header(const JsonbValue *header, bool need_header, RcsProblem *problem)
{
	if (header == NULL && need_header)
		return refuse(problem, "message", "message has no header",
					  "Give \"header\": \"0\" for information or \"1\" for advertising.");
	if (header != NULL && !is_text(header, "0") && !is_text(header, "1"))
		return refuse(
			problem, "message", "header of the message is neither \"0\" nor \"1\"",
			"Give \"header\": \"0\" for information or \"1\" for advertising, as a string.");
	return true;
}

bool
rcs_message_check(Jsonb *message, bool need_header, RcsProblem *problem)
{
	JsonbContainer *root = &message->root;
	JsonbValue *legacy;

	if (!JB_ROOT_IS_OBJECT(message))
		return refuse(
			problem, "message", "message is not a JSON object",
			"Give an object such as {\"serviceType\": \"RCSSMS\", \"header\": \"0\", \"body\": {\"description\": \"...\"}}; plain text is sent with an argument of type text.");
	if (!known_service_type(member(root, "serviceType")))
		return refuse(problem, "message", "serviceType of the message is missing or unknown",
					  "Use RCSSMS, RCSLMS, RCSMMS, RCSTMPL, RCSITMPL or RCSCHAT.");
	if (!check_header(member(root, "header"), need_header, problem))
		return false;
	if (!is_object(member(root, "body")))
		return refuse(problem, "message", "body of the message is missing or not a JSON object",
					  "Give \"body\": {\"description\": \"...\"}.");
	legacy = member(root, "legacy");
	if (legacy != NULL && !is_object(legacy))
		return refuse(problem, "message", "legacy of the message is not a JSON object",
					  "Give \"legacy\": {\"serviceType\": \"SMS\", \"msg\": \"...\"}.");
	return true;
}

bool
rcs_message_params_ok(Jsonb *params, RcsProblem *problem)
{
	if (params != NULL && !JB_ROOT_IS_OBJECT(params))
		return refuse(
			problem, "param", "params is not a JSON object",
			"Give the values of the placeholders as an object such as {\"name\": \"...\"}.");
	return true;
}

int
rcs_message_length(const char *text, int len)
{
	int units = 0;

	while (len > 0)
	{
		int bytes = pg_mblen(text);

		/* four bytes of UTF-8 are a surrogate pair */
		units += bytes == 4 && GetDatabaseEncoding() == PG_UTF8 ? 2 : 1;
		text += bytes;
		len -= bytes;
	}
	return units;
}

int
rcs_message_bytes(const char *text, int len)
{
	int count = 0;

	while (len > 0)
	{
		int bytes = pg_mblen(text);

		count += IS_HIGHBIT_SET(*text) ? 2 : 1;
		text += bytes;
		len -= bytes;
	}
	return count;
}

/* ---------- placeholders ---------- */

static bool
refuse_missing(RcsTemplate *t, Jsonb *params, RcsProblem *problem)
{
	StringInfoData reason;
	ListCell *lc;
	const char *separator = "";

	initStringInfo(&reason);
	appendStringInfoString(&reason, "no usable value for placeholder ");
	foreach(lc, rcs_template_missing(t, params ? &params->root : NULL))
	{
		appendStringInfo(&reason, "%s#{%s}", separator, (char *) lfirst(lc));
		separator = ", ";
	}
	return refuse(
		problem, "param", reason.data,
		"Give a string, number or boolean for it in params; ##{ stands for a literal #{.");
}

Jsonb *
rcs_message_fill(Jsonb *message, Jsonb *params, RcsProblem *problem)
{
	RcsTemplate *t = rcs_template_compile(&message->root, true);
	StringInfoData json;

	if (!rcs_message_params_ok(params, problem))
		return NULL;
	initStringInfo(&json);
	if (rcs_template_render(t, params ? &params->root : NULL, &json) != NULL)
	{
		refuse_missing(t, params, problem);
		return NULL;
	}
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}

/* ---------- building ---------- */

static void
push_key(JsonbParseState **state, const char *name)
{
	JsonbValue v;

	v.type = jbvString;
	v.val.string.val = (char *) name;
	v.val.string.len = (int) strlen(name);
	pushJsonbValue(state, WJB_KEY, &v);
}

static void
push_text(JsonbParseState **state, const char *name, const char *text, int len)
{
	JsonbValue v;

	push_key(state, name);
	v.type = jbvString;
	v.val.string.val = (char *) text;
	v.val.string.len = len;
	pushJsonbValue(state, WJB_VALUE, &v);
}

/*
 * Everything that may hold placeholders, in one object: so they are filled by
 * one rendering, and lengths are judged on what will be sent.
 */
static Jsonb *
wrap_draft(const RcsDraft *draft)
{
	JsonbParseState *state = NULL;
	JsonbValue v;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	if (draft->text != NULL)
		push_text(&state, "message", draft->text, (int) strlen(draft->text));
	else
	{
		push_key(&state, "message");
		JsonbToJsonbValue(draft->message, &v);
		pushJsonbValue(&state, WJB_VALUE, &v);
	}
	if (draft->fallback != NULL)
		push_text(&state, "fallback", draft->fallback, (int) strlen(draft->fallback));
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

static bool
push_description(JsonbParseState **state, const JsonbValue *text, RcsProblem *problem)
{
	int length = rcs_message_length(text->val.string.val, text->val.string.len);
	const char *type = length > SMS_CHARACTERS ? "RCSLMS" : "RCSSMS";

	if (length == 0)
		return refuse(problem, "message", "text is empty", "Give at least one character.");
	if (length > LMS_CHARACTERS)
		return refuse(problem, "message",
					  psprintf("text has %d characters, more than %d", length, LMS_CHARACTERS),
					  "An emoji counts as two characters.");
	push_text(state, "serviceType", type, (int) strlen(type));
	push_text(state, "header", "0", 1);
	push_key(state, "body");
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	push_text(state, "description", text->val.string.val, text->val.string.len);
	pushJsonbValue(state, WJB_END_OBJECT, NULL);
	return true;
}

static void
push_members(JsonbParseState **state, JsonbContainer *message)
{
	JsonbIterator *it = JsonbIteratorInit(message);
	JsonbIteratorToken token;
	JsonbValue v;

	if (member(message, "header") == NULL)
		push_text(state, "header", "0", 1);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY || token == WJB_VALUE)
			pushJsonbValue(state, token, &v);
	}
}

static bool
push_fallback(JsonbParseState **state, const JsonbValue *text, RcsProblem *problem)
{
	int bytes = rcs_message_bytes(text->val.string.val, text->val.string.len);
	const char *type = bytes > SMS_BYTES ? "LMS" : "SMS";

	if (bytes == 0)
		return refuse(problem, "message", "fallback is empty",
					  "Leave fallback out (NULL) when there is to be none.");
	if (bytes > LMS_BYTES)
		return refuse(problem, "message",
					  psprintf("fallback has %d bytes, more than %d", bytes, LMS_BYTES),
					  "Every character that is not ASCII counts as two bytes.");
	push_key(state, "legacy");
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	push_text(state, "serviceType", type, (int) strlen(type));
	push_text(state, "msg", text->val.string.val, text->val.string.len);
	pushJsonbValue(state, WJB_END_OBJECT, NULL);
	return true;
}

static bool
check_fallback(const RcsDraft *draft, RcsProblem *problem)
{
	if (draft->fallback == NULL)
		return true;
	if (draft->message != NULL && member(&draft->message->root, "legacy") != NULL)
		return refuse(problem, "message", "message has a legacy object and a fallback is given too",
					  "Give one of the two.");
	if (draft->message != NULL && is_text(member(&draft->message->root, "serviceType"), "RCSCHAT"))
		return refuse(problem, "message", "a message of type RCSCHAT takes no fallback",
					  "Leave fallback out (NULL).");
	if (draft->callback == NULL)
		return refuse(problem, "message", "chatbot has no callback number to send a fallback from",
					  "Set the column callback of rcs.chatbot to a registered sender number.");
	return true;
}

/*
 * Checked before and after the placeholders are filled: before, so that a
 * placeholder is not blamed for a message that is no object; after, because a
 * placeholder may stand where one of a few values must.
 */
static bool
check_draft(const RcsDraft *draft, RcsProblem *problem)
{
	if (draft->message != NULL && !JB_ROOT_IS_OBJECT(draft->message))
		return rcs_message_check(draft->message, false, problem);
	return check_fallback(draft, problem) && rcs_message_params_ok(draft->params, problem);
}

Jsonb *
rcs_message_build(const RcsDraft *draft, RcsProblem *problem)
{
	JsonbParseState *state = NULL;
	JsonbValue *filled;
	JsonbValue *fallback;
	Jsonb *parts;
	Jsonb *message;

	if (!check_draft(draft, problem))
		return NULL;
	parts = rcs_message_fill(wrap_draft(draft), draft->params, problem);
	if (parts == NULL)
		return NULL;

	filled = member(&parts->root, "message");
	fallback = member(&parts->root, "fallback");
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	if (draft->text == NULL)
		push_members(&state, filled->val.binary.data);
	else if (!push_description(&state, filled, problem))
		return NULL;
	if (fallback != NULL && !push_fallback(&state, fallback, problem))
		return NULL;
	message = JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
	return draft->text != NULL || rcs_message_check(message, false, problem) ? message : NULL;
}
