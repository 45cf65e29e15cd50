/*
 * chatbot.c
 *		Reads chatbots, and chooses the one that a message is sent as.
 *
 * A chatbot is a row of rcs.chatbot.  Queries are schema-qualified to the last
 * operator, so they mean the same under any search_path.  This file must not know
 * what is sent, nor how a worker reaches the account of a chatbot.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "account/account.h"
#include "account/chatbot.h"
#include "base/statement.h"

#define MAX_CHOICES 10 /* chatbots named in a hint */

static List *
column_names(MemoryContext context, uint64 row, int column)
{
	bool isnull;
	Datum datum = rcs_column(row, column, &isnull);
	Datum *elements;
	int n;
	List *names = NIL;
	MemoryContext previous = MemoryContextSwitchTo(context);

	deconstruct_array(DatumGetArrayTypeP(datum), TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL,
					  &n);
	for (int i = 0; i < n; i++)
		names = lappend(names, TextDatumGetCString(elements[i]));
	MemoryContextSwitchTo(previous);
	return names;
}

static RcsStatement find_chatbot =
	{"SELECT c.chatbot, c.servers, c.agency_id, c.agency_key, c.brand_key, c.callback,"
	 " c.footer, c.kisa_orig_code, c.fallback_prefix, c.cdr_id, c.owner_id"
	 " FROM rcs.chatbot c WHERE c.chatbot OPERATOR(pg_catalog.=) $1",
	 1,
	 {TEXTOID},
	 NULL};

/* NULL when there is no such chatbot. */
RcsChatbot *
rcs_chatbot_load(const char *chatbot)
{
	MemoryContext caller = CurrentMemoryContext;
	RcsChatbot *bot = palloc0(sizeof(RcsChatbot));
	Datum values[] = {CStringGetTextDatum(chatbot)};
	char **texts[] = {&bot->agency_id, &bot->agency_key,	 &bot->brand_key,		&bot->callback,
					  &bot->footer,	   &bot->kisa_orig_code, &bot->fallback_prefix, &bot->cdr_id};
	bool known;
	bool isnull;

	SPI_connect();
	known = rcs_execute(&find_chatbot, values, NULL) > 0;
	if (known)
	{
		bot->chatbot = rcs_column_text(0, 1, caller);
		bot->servers = column_names(caller, 0, 2);
		for (int i = 0; i < lengthof(texts); i++)
			*texts[i] = rcs_column_text(0, 3 + i, caller);
		bot->owner = DatumGetObjectId(rcs_column(0, 3 + lengthof(texts), &isnull));
	}
	SPI_finish();
	return known ? bot : NULL;
}

/* ---------- which chatbot ---------- */

static RcsStatement list_names = {"SELECT c.chatbot FROM rcs.chatbot c"
								  " ORDER BY c.chatbot COLLATE pg_catalog.\"C\""
								  " USING OPERATOR(pg_catalog.<) LIMIT 11",
								  0,
								  {0},
								  NULL};

/* One more than a hint names, so that the hint can say that there are more. */
static List *
list_choices(void)
{
	List *choices = NIL;
	uint64 n = rcs_execute(&list_names, NULL, NULL);

	for (uint64 i = 0; i < n; i++)
		choices = lappend(choices, rcs_column_text(i, 1, CurrentMemoryContext));
	return choices;
}

static char *
choices_hint(List *choices)
{
	StringInfoData text;
	int named = 0;
	ListCell *lc;

	if (choices == NIL)
		return pstrdup("There is no chatbot yet; insert one into rcs.chatbot.");
	initStringInfo(&text);
	appendStringInfoString(&text, "Chatbots are: ");
	foreach(lc, choices)
	{
		if (named < MAX_CHOICES)
			appendStringInfo(&text, "%s\"%s\"", named > 0 ? ", " : "", (char *) lfirst(lc));
		named++;
	}
	appendStringInfoString(&text, named > MAX_CHOICES ? ", and more." : ".");
	return text.data;
}

static RcsStatement find_name =
	{"SELECT c.chatbot FROM rcs.chatbot c WHERE c.chatbot OPERATOR(pg_catalog.=) $1",
	 1,
	 {TEXTOID},
	 NULL};

static char *
resolve_named(MemoryContext context, const char *name, bool from_setting)
{
	Datum values[] = {CStringGetTextDatum(name)};

	if (rcs_execute(&find_name, values, NULL) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("chatbot \"%s\" does not exist", name),
				 from_setting ? errdetail("It is the value of the setting rcs.chatbot.") : 0,
				 errhint("%s", choices_hint(list_choices()))));
	return rcs_column_text(0, 1, context);
}

static char *
resolve_only(MemoryContext context)
{
	List *choices = list_choices();

	if (list_length(choices) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("no chatbot given"),
				 errdetail(
					 "The setting rcs.chatbot is empty, and there is not exactly one chatbot."),
				 errhint("%s", choices_hint(choices))));
	return MemoryContextStrdup(context, linitial(choices));
}

/* The chatbot to send as: the one given, else the setting, else the only one. */
char *
rcs_chatbot_resolve(const char *given)
{
	MemoryContext caller = CurrentMemoryContext;
	const char *setting = GetConfigOption("rcs.chatbot", true, false);
	char *result;

	SPI_connect();
	if (given != NULL)
		result = resolve_named(caller, given, false);
	else if (setting != NULL && setting[0] != '\0')
		result = resolve_named(caller, setting, true);
	else
		result = resolve_only(caller);
	SPI_finish();
	return result;
}

RcsChatbot *
rcs_usable_chatbot(const char *given, Oid caller)
{
	/* the name is resolved only if none was given, or to raise the error about an unknown one */
	RcsChatbot *bot = given ? rcs_chatbot_load(given) : NULL;

	if (bot == NULL)
		bot = rcs_chatbot_load(rcs_chatbot_resolve(given));
	rcs_account_check_usage(caller, bot->servers);
	return bot;
}

RcsFacts
rcs_chatbot_facts(const RcsChatbot *bot)
{
	RcsFacts facts = {.chatbot = bot->chatbot,
					  .callback = bot->callback,
					  .footer = bot->footer,
					  .prefix = bot->fallback_prefix};

	return facts;
}
