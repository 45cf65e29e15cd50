/*
 * rcs_fuzz.c
 *		What must be true of every input: the module of "make fuzz", not of the
 *		extension.
 *
 * It is built together with the rules it tests, under AddressSanitizer, and
 * gives them memory in which each allocation stands alone.  The same input goes
 * the ways that messages go in the extension, which must agree with each other:
 * as a template judged once and then for each recipient, and as a single message
 * filled in first.  What the input is made of is fuzz/message.pl.
 */
#include "postgres.h"

#include <stdarg.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

#include "base/jsonb_members.h"
#include "kt/payload.h"
#include "message/check.h"
#include "message/draft.h"
#include "message/recipient.h"
#include "message/template.h"
#include "fuzz_sql.h"
#include "fuzz_strings.h"
#include "malloc_context.h"

PG_MODULE_MAGIC;

#define SOME_ID "aa0f8c9e-93a3-5a3c-8f5e-f5a6c2a6c0c1"

static const RcsFacts facts = {.chatbot = FUZZ_CHATBOT,
							   .callback = "0212345678",
							   .footer = "080-123-4567",
							   .prefix = NULL};
static const RcsSender sender = {.chatbot = FUZZ_CHATBOT,
								 .agency_key = "AK.x",
								 .brand_key = "BK.x",
								 .callback = "0212345678",
								 .footer = "080-123-4567"};

typedef struct Trial
{
	char *text; /* of the input, in the encoding of the database */
	Jsonb *message;
	Jsonb *params;	/* NULL or anything */
	Jsonb *filled;	/* the message with its placeholders filled; NULL: it cannot be */
	bool taken;		/* a single message */
	bool recipient; /* the campaign is created, and takes who has these params */
	StringInfoData verdict;
} Trial;

/* ---------- what went wrong ---------- */

static void broken(Trial *t, const char *fmt, ...) pg_attribute_printf(2, 3);

static void
broken(Trial *t, const char *fmt, ...)
{
	char line[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	appendStringInfo(&t->verdict, "%sBROKEN %s", t->verdict.len > 0 ? "; " : "", line);
}

/*
 * jsonb_in, which may refuse its input: then NULL, and the SQLSTATE.  It holds
 * nothing that a subtransaction would have to let go of.
 */
static Jsonb *
parse(const char *text, int *sqlstate)
{
	MemoryContext context = CurrentMemoryContext;
	Jsonb *volatile result = NULL;

	*sqlstate = 0;
	PG_TRY();
	{
		result = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		*sqlstate = geterrcode();
		FlushErrorState();
	}
	PG_END_TRY();
	return result;
}

static Jsonb *
parse_ours(Trial *t, const char *text, const char *what)
{
	int sqlstate;
	Jsonb *result = parse(text, &sqlstate);

	if (result == NULL)
		broken(t, "%s is no JSON (%s)", what, unpack_sql_state(sqlstate));
	return result;
}

static bool
same(Jsonb *a, Jsonb *b)
{
	return compareJsonbContainers(&a->root, &b->root) == 0;
}

static Jsonb *
member(Jsonb *object, const char *name)
{
	JsonbValue *v = JB_ROOT_IS_OBJECT(object) ? rcs_member(&object->root, name) : NULL;

	return v == NULL ? NULL : JsonbValueToJsonb(v);
}

/* ---------- the check ---------- */

static List *
faults_of(Trial *t, Jsonb *message, const RcsCheckOptions *options, RcsForm **form)
{
	List *faults = rcs_message_faults(message, options, form);
	List *again = rcs_message_faults(message, options, NULL);
	ListCell *a;
	ListCell *b;

	if (list_length(faults) != list_length(again))
		broken(t, "%d faults, and then %d", list_length(faults), list_length(again));
	forboth(a, faults, b, again)
	{
		RcsFault *f = lfirst(a);
		RcsFault *g = lfirst(b);

		if (f->path == NULL || f->code == NULL || f->code[0] == '\0' || f->problem == NULL ||
			f->problem[0] == '\0' || (f->path[0] == '\0' && JB_ROOT_IS_OBJECT(message)))
			broken(t, "a fault without path, code or problem");
		else if (strcmp(f->path, g->path) != 0 || strcmp(f->problem, g->problem) != 0)
			broken(t, "faults in another order");
	}
	return faults;
}

static const char *
first_of(List *faults)
{
	return faults == NIL ? "nothing" : rcs_fault_text(linitial(faults));
}

/* Filled in by rendering; what was no placeholder must be what it was. */
static void
fill(Trial *t)
{
	RcsTemplate *template = rcs_template_compile(&t->message->root, true);
	RcsTemplate *plain = rcs_template_compile(&t->message->root, false);
	JsonbContainer *params = t->params ? &t->params->root : NULL;
	StringInfoData json;
	Jsonb *copy;
	const char *missing;

	initStringInfo(&json);
	if (rcs_template_render(plain, NULL, &json) != NULL)
		broken(t, "a text without placeholders cannot be rendered");
	copy = parse_ours(t, json.data, "a copy");
	if (copy != NULL && !same(copy, t->message))
		broken(t, "a copy is another message");
	if (t->params != NULL && !JB_ROOT_IS_OBJECT(t->params))
		return;
	resetStringInfo(&json);
	missing = rcs_template_render(template, params, &json);
	if (missing == NULL)
		t->filled = parse_ours(t, json.data, "a filled message");
	else if (missing != rcs_template_too_long && rcs_template_missing(template, params) == NIL)
		broken(t, "a placeholder is missing, and none is");
}

/* As a single message: filled first, then judged. */
static Jsonb *
try_single(Trial *t)
{
	RcsCheckOptions options = {.facts = &facts};
	RcsDraft draft = {.message = t->message, .params = t->params, .facts = facts};
	List *faults = t->filled ? faults_of(t, t->filled, &options, NULL) : NIL;
	RcsProblem problem;
	Jsonb *built = rcs_message_build(&draft, &problem);

	t->taken = built != NULL;
	if (built != NULL && (t->filled == NULL || faults != NIL))
		broken(t, "built in spite of %s", t->filled ? first_of(faults) : "a placeholder");
	if (built == NULL && t->filled != NULL && faults == NIL)
		broken(t, "not built for no reason: %s", problem.detail ? problem.detail : problem.reason);
	if (built == NULL && (problem.code == NULL || problem.reason == NULL ||
						  problem.reason[0] == '\0' || problem.sqlstate == 0))
		broken(t, "not built, and no reason");
	return built;
}

/* As a campaign: judged as a template, then for a recipient with these params. */
static Jsonb *
try_campaign(Trial *t)
{
	RcsCheckOptions options = {.facts = &facts, .need_header = true, .is_template = true};
	RcsCheckOptions once_filled = {.facts = &facts, .need_header = true};
	RcsForm *form;
	List *faults = faults_of(t, t->message, &options, &form);
	RcsProblem problem;
	Jsonb *kept = rcs_message_for_campaign(t->message, &facts, &problem);
	StringInfoData rendered;
	RcsFault fault;
	bool alone;

	if ((kept != NULL) != (faults == NIL))
		broken(t, "a campaign is %s in spite of %s", kept ? "kept" : "refused", first_of(faults));
	if (kept == NULL || t->filled == NULL)
		return kept;
	initStringInfo(&rendered);
	(void) rcs_template_render(rcs_template_compile(&t->message->root, true),
							   t->params ? &t->params->root : NULL, &rendered);
	for (int i = 0; i < 2; i++)
		t->recipient =
			rcs_form_check(form, t->params ? &t->params->root : NULL, rendered.len, &fault);
	faults = faults_of(t, t->filled, &once_filled, NULL);
	alone = faults == NIL;
	/* the address of an image is the same for all recipients */
	if (t->recipient != alone && !(alone && fuzz_names_address(t->filled)))
		broken(t, "a recipient has %s, the filled message %s",
			   t->recipient ? "nothing" : rcs_fault_text(&fault), first_of(faults));
	return kept;
}

/* ---------- what is sent ---------- */

static Jsonb *
payload(Trial *t, Jsonb *message, bool is_template)
{
	RcsPayload *p = rcs_payload_compile(&message->root, &sender, is_template);
	JsonbContainer *params = is_template && t->params ? &t->params->root : NULL;
	StringInfoData out;

	initStringInfo(&out);
	if (rcs_payload_render(p, SOME_ID, "01012345678", params, true, &out) != NULL)
	{
		broken(t, "a valid message cannot be rendered");
		return NULL;
	}
	return parse_ours(t, out.data, "a request");
}

static void
check_request(Trial *t, Jsonb *request, Jsonb *message)
{
	static const char *const needed[] = {"messagebaseId", "header", "chatbotId", "serviceType",
										 "body"};
	static const char *const as_given[] = {"body", "buttons", "chipList", "replyId", "serviceType"};
	Jsonb *rcs = member(request, "rcs");
	Jsonb *common = member(request, "common");

	if (rcs == NULL || common == NULL)
	{
		broken(t, "a request without rcs or common");
		return;
	}
	for (int i = 0; i < (int) lengthof(needed); i++)
		if (member(rcs, needed[i]) == NULL)
			broken(t, "a request without %s", needed[i]);
	if ((member(request, "legacy") == NULL) != (member(message, "legacy") == NULL))
		broken(t, "a request with a fallback of its own, or without");
	for (int i = 0; i < (int) lengthof(as_given); i++)
	{
		Jsonb *given = member(message, as_given[i]);
		Jsonb *sent = member(rcs, as_given[i]);

		if ((given == NULL) != (sent == NULL) || (given != NULL && !same(given, sent)))
			broken(t, "%s is sent as another", as_given[i]);
	}
}

static void
try_requests(Trial *t, Jsonb *single, Jsonb *campaign)
{
	Jsonb *one = single ? payload(t, single, false) : NULL;
	Jsonb *many = campaign && t->recipient ? payload(t, campaign, true) : NULL;

	if (one != NULL)
		check_request(t, one, single);
	if (one != NULL && many != NULL && !same(one, many))
		broken(t, "a campaign sends another request than a single message");
}

/* ---------- one input ---------- */

static void
try_text(Trial *t)
{
	RcsDraft draft = {.text = t->text, .fallback = t->text, .params = t->params, .facts = facts};
	RcsProblem problem;
	Jsonb *built;

	if (t->text[0] == '\0')
		return;
	built = rcs_message_build(&draft, &problem);
	if (built != NULL && payload(t, built, false) == NULL)
		broken(t, "a text becomes no request");
}

static void
try_message(Trial *t)
{
	RcsCheckOptions options = {.is_template = true};
	List *faults = faults_of(t, t->message, &options, NULL);
	FuzzExpected expected = {.faults = list_length(faults)};
	Jsonb *single;
	Jsonb *campaign;

	fuzz_strings(t->message, &facts);
	fill(t);
	single = try_single(t);
	campaign = try_campaign(t);
	try_requests(t, single, campaign);
	if (t->verdict.len > 0)
		; /* said already */
	else if (campaign != NULL && t->filled != NULL && !same(t->filled, t->message))
		appendStringInfoString(&t->verdict, t->recipient ? "template, taken" : "template, refused");
	else
		appendStringInfoString(&t->verdict, faults == NIL ? "valid" : "invalid");
	expected.taken = t->taken;
	expected.recipient = t->recipient;
	expected.fetched = fuzz_names_address(t->filled ? t->filled : t->message);
	fuzz_through_sql(t->message, t->params, &expected, &t->verdict);
}

/* What jsonb_in may say: syntax, an escape, a number, depth, a text of another encoding. */
static bool
is_refusal(int sqlstate)
{
	return sqlstate == ERRCODE_INVALID_TEXT_REPRESENTATION ||
		   sqlstate == ERRCODE_UNTRANSLATABLE_CHARACTER ||
		   sqlstate == ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE ||
		   sqlstate == ERRCODE_STATEMENT_TOO_COMPLEX ||
		   sqlstate == ERRCODE_PROGRAM_LIMIT_EXCEEDED ||
		   sqlstate == ERRCODE_CHARACTER_NOT_IN_REPERTOIRE;
}

static void
try_input(Trial *t, bytea *input)
{
	int len = VARSIZE_ANY_EXHDR(input);
	int sqlstate;

	t->text = palloc(len + 1);
	memcpy(t->text, VARDATA_ANY(input), len);
	t->text[len] = '\0';
	/* as the server does with what a client sends */
	if (!pg_verifymbstr(t->text, len, true) || strlen(t->text) < len)
	{
		appendStringInfoString(&t->verdict, "not text");
		return;
	}
	try_text(t);
	t->message = parse(t->text, &sqlstate);
	if (t->message != NULL)
		try_message(t);
	else if (is_refusal(sqlstate))
		appendStringInfoString(&t->verdict, "not JSON");
	else
		broken(t, "the parser says %s", unpack_sql_state(sqlstate));
}

/*
 * The rules raise nothing, but for a text of more than a gigabyte, which a
 * template may become.  They hold nothing that a subtransaction would let go of.
 */
static void
try_input_or_error(Trial *t, bytea *input, MemoryContext context)
{
	PG_TRY();
	{
		try_input(t, input);
	}
	PG_CATCH();
	{
		ErrorData *e;

		MemoryContextSwitchTo(context);
		e = CopyErrorData();
		FlushErrorState();
		if (e->sqlerrcode == ERRCODE_PROGRAM_LIMIT_EXCEEDED)
		{
			resetStringInfo(&t->verdict);
			appendStringInfoString(&t->verdict, "too large");
		}
		else
			broken(t, "error %s: %s", unpack_sql_state(e->sqlerrcode), e->message);
	}
	PG_END_TRY();
}

/*
 * (input bytea, params jsonb): valid, invalid, a template that takes these params
 * or refuses them, too large, not JSON, not text, or what is broken.
 */
PG_FUNCTION_INFO_V1(fuzz_message);
Datum
fuzz_message(PG_FUNCTION_ARGS)
{
	MemoryContext context = malloc_context_create(CurrentMemoryContext);
	MemoryContext old = MemoryContextSwitchTo(context);
	Trial t = {0};
	text *verdict;

	t.params = PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P_COPY(1);
	initStringInfo(&t.verdict);
	try_input_or_error(&t, PG_GETARG_BYTEA_PP(0), context);
	MemoryContextSwitchTo(old);
	verdict = cstring_to_text(t.verdict.data);
	MemoryContextDelete(context);
	PG_RETURN_TEXT_P(verdict);
}

/* bytes of all memory contexts, and allocations of ours */
PG_FUNCTION_INFO_V1(fuzz_memory);
Datum
fuzz_memory(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(MemoryContextMemAllocated(TopMemoryContext, true) + malloc_context_live());
}

/* bytes that the whole process has allocated, says AddressSanitizer */
extern size_t __sanitizer_get_current_allocated_bytes(void);

PG_FUNCTION_INFO_V1(fuzz_allocated);
Datum
fuzz_allocated(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64((int64) __sanitizer_get_current_allocated_bytes());
}

/* Does anybody notice?  Writes one byte behind an allocation: the server must die of it. */
PG_FUNCTION_INFO_V1(fuzz_overrun);
Datum
fuzz_overrun(PG_FUNCTION_ARGS)
{
	MemoryContext old = MemoryContextSwitchTo(malloc_context_create(CurrentMemoryContext));
	char *data = palloc(PG_GETARG_INT32(0));

	data[PG_GETARG_INT32(0)] = 'x';
	MemoryContextSwitchTo(old);
	PG_RETURN_INT32(data[0]);
}
