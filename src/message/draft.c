/*
 * draft.c
 *		Messages before they are queued: plain text, fallback, placeholders.
 *
 * check.c says whether the result is valid.  It must not know SQL,
 * settings, the carrier's wire format, or the sender's rights.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "base/jsonb_members.h"
#include "base/pg_compat.h"
#include "message/check.h"
#include "message/draft.h"
#include "message/limits.h"
#include "message/schema.h"
#include "message/template.h"
#include "message/text_length.h"

/* by the account and the chatbot, when it is sent */
static const char *const supplied[] = {"chatbotId", "agencyId", "agencyKey", "brandKey"};

static bool
refuse(RcsProblem *problem, const char *code, const char *reason, const char *hint)
{
	problem->code = code;
	problem->sqlstate = ERRCODE_INVALID_PARAMETER_VALUE;
	problem->reason = reason;
	problem->detail = NULL;
	problem->hint = hint;
	return false;
}

/* ---------- faults ---------- */

char *
rcs_fault_text(const RcsFault *fault)
{
	return psprintf("%s: %s", fault->path[0] != '\0' ? fault->path : "message", fault->problem);
}

void
rcs_message_problem(List *faults, RcsProblem *problem)
{
	char *first = rcs_fault_text(linitial(faults));

	refuse(problem, "message", "message is not valid", "rcs_validate() lists all that is wrong.");
	problem->detail = list_length(faults) == 1
						  ? first
						  : psprintf("%s (the first of %d problems)", first, list_length(faults));
}

static bool
is_valid(Jsonb *message, const RcsCheckOptions *options, RcsProblem *problem)
{
	List *faults = rcs_message_faults(message, options, NULL);

	if (faults != NIL)
		rcs_message_problem(faults, problem);
	return faults == NIL;
}

static bool
params_ok(Jsonb *params, RcsProblem *problem)
{
	const char *fault = rcs_params_fault(params);

	if (fault != NULL)
		return refuse(problem, "too_long", fault, "Give only the values that the message needs.");
	if (params != NULL && !JB_ROOT_IS_OBJECT(params))
		return refuse(
			problem, "param", "params is not a JSON object",
			"Give the values of the placeholders as an object such as {\"name\": \"...\"}.");
	return true;
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
	const char *missing;

	if (!params_ok(params, problem))
		return NULL;
	initStringInfo(&json);
	missing = rcs_template_render(t, params ? &params->root : NULL, &json);
	if (missing == rcs_template_too_long)
		refuse(problem, "too_long", "the message is far too long with its values",
			   "Give shorter values in params.");
	else if (missing != NULL)
		refuse_missing(t, params, problem);
	if (missing != NULL)
		return NULL;
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}

Jsonb *
rcs_message_fill_or_raise(Jsonb *message, Jsonb *params)
{
	RcsProblem problem;
	Jsonb *filled = rcs_message_fill(message, params, &problem);

	if (filled == NULL)
		rcs_problem_raise(&problem);
	return filled;
}

/* ---------- building ---------- */

static void
push_key(RcsJsonbState *state, const char *name)
{
	JsonbValue v;

	v.type = jbvString;
	v.val.string.val = (char *) name;
	v.val.string.len = (int) strlen(name);
	RcsPushJsonb(state, WJB_KEY, &v);
}

static void
push_text(RcsJsonbState *state, const char *name, const char *text, int len)
{
	JsonbValue v;

	push_key(state, name);
	v.type = jbvString;
	v.val.string.val = (char *) text;
	v.val.string.len = len;
	RcsPushJsonb(state, WJB_VALUE, &v);
}

/*
 * Everything that may hold placeholders, in one object: so they are filled by
 * one rendering, and lengths are judged on the text that will be sent.
 */
static Jsonb *
wrap_draft(const RcsDraft *draft)
{
	RcsJsonbState state = {0};
	JsonbValue v;

	RcsPushJsonb(&state, WJB_BEGIN_OBJECT, NULL);
	if (draft->text != NULL)
		push_text(&state, "message", draft->text, (int) strlen(draft->text));
	else
	{
		push_key(&state, "message");
		JsonbToJsonbValue(draft->message, &v);
		RcsPushJsonb(&state, WJB_VALUE, &v);
	}
	if (draft->fallback != NULL)
		push_text(&state, "fallback", draft->fallback, (int) strlen(draft->fallback));
	return JsonbValueToJsonb(RcsPushJsonb(&state, WJB_END_OBJECT, NULL));
}

static void
push_description(RcsJsonbState *state, const JsonbValue *text)
{
	bool is_short =
		rcs_text_length(text->val.string.val, text->val.string.len) <= RCS_SMS_CHARACTERS;

	push_text(state, "serviceType", is_short ? "RCSSMS" : "RCSLMS", (int) strlen("RCSSMS"));
	push_text(state, "header", "0", 1);
	push_key(state, "body");
	RcsPushJsonb(state, WJB_BEGIN_OBJECT, NULL);
	push_text(state, "description", text->val.string.val, text->val.string.len);
	RcsPushJsonb(state, WJB_END_OBJECT, NULL);
}

static void
push_members(RcsJsonbState *state, JsonbContainer *message)
{
	JsonbIterator *it = JsonbIteratorInit(message);
	JsonbIteratorToken token;
	JsonbValue v;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
		if (token == WJB_KEY || token == WJB_VALUE)
			RcsPushJsonb(state, token, &v);
}

/* The message without the members that the account and the chatbot supply. */
static Jsonb *
without_sender(Jsonb *message)
{
	Datum kept = JsonbPGetDatum(message);

	for (int i = 0; i < (int) lengthof(supplied); i++)
		if (rcs_member(&message->root, supplied[i]) != NULL)
			kept = DirectFunctionCall2(jsonb_delete, kept, CStringGetTextDatum(supplied[i]));
	return DatumGetJsonbP(kept);
}

/* The carrier puts the prefix in front of an SMS, so it counts. */
static bool
fits_sms(const char *text, int len, const char *prefix)
{
	int bad_at;
	int bytes = rcs_text_cp949_bytes(text, len, &bad_at);

	if (prefix != NULL)
		bytes += rcs_text_cp949_bytes(prefix, (int) strlen(prefix), &bad_at);
	return bytes <= RCS_SMS_BYTES;
}

static void
push_fallback(RcsJsonbState *state, const JsonbValue *text, const RcsFacts *facts)
{
	bool is_sms = fits_sms(text->val.string.val, text->val.string.len, facts->prefix);

	push_key(state, "legacy");
	RcsPushJsonb(state, WJB_BEGIN_OBJECT, NULL);
	push_text(state, "serviceType", is_sms ? "SMS" : "LMS", 3);
	push_text(state, "msg", text->val.string.val, text->val.string.len);
	RcsPushJsonb(state, WJB_END_OBJECT, NULL);
}

/* The whole message from its parts, in which no placeholder is left. */
static Jsonb *
assemble(const RcsDraft *draft, Jsonb *parts)
{
	JsonbValue *filled = rcs_member(&parts->root, "message");
	JsonbValue *fallback = rcs_member(&parts->root, "fallback");
	RcsJsonbState state = {0};

	RcsPushJsonb(&state, WJB_BEGIN_OBJECT, NULL);
	if (draft->text != NULL)
		push_description(&state, filled);
	else
	{
		if (rcs_member(filled->val.binary.data, "header") == NULL)
			push_text(&state, "header", "0", 1);
		push_members(&state, filled->val.binary.data);
	}
	if (fallback != NULL)
		push_fallback(&state, fallback, &draft->facts);
	return JsonbValueToJsonb(RcsPushJsonb(&state, WJB_END_OBJECT, NULL));
}

/* The rules that must hold before the placeholders can be filled. */
static bool
check_draft(const RcsDraft *draft, const RcsCheckOptions *options, RcsProblem *problem)
{
	if (draft->message != NULL && !JB_ROOT_IS_OBJECT(draft->message))
		return is_valid(draft->message, options, problem);
	if (draft->fallback != NULL && draft->fallback[0] == '\0')
		return refuse(problem, "message", "fallback is empty",
					  "Leave fallback out (NULL) when there is to be none.");
	if (draft->fallback != NULL && draft->message != NULL &&
		rcs_member(&draft->message->root, "legacy") != NULL)
		return refuse(problem, "message", "message has a legacy object and a fallback is given too",
					  "Give one of the two.");
	return params_ok(draft->params, problem);
}

Jsonb *
rcs_message_build(const RcsDraft *draft, RcsProblem *problem)
{
	RcsCheckOptions options = {.facts = &draft->facts};
	Jsonb *parts;
	Jsonb *message;

	if (!check_draft(draft, &options, problem))
		return NULL;
	parts = rcs_message_fill(wrap_draft(draft), draft->params, problem);
	if (parts == NULL)
		return NULL;
	message = assemble(draft, parts);
	return is_valid(message, &options, problem) ? without_sender(message) : NULL;
}

Jsonb *
rcs_message_for_campaign(Jsonb *message, const RcsFacts *facts, RcsProblem *problem)
{
	RcsCheckOptions options = {.facts = facts, .need_header = true, .is_template = true};

	return is_valid(message, &options, problem) ? without_sender(message) : NULL;
}
