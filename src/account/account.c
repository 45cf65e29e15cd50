/*
 * account.c
 *		Reads carrier accounts and chatbots for whoever sends through them.
 *
 * An account is a foreign server of the wrapper "rcs" plus its user mapping
 * FOR PUBLIC; a chatbot is a row of rcs.chatbot.  This file turns both into C
 * structs and answers who may use them.  It must not know what may stand in an
 * option (validator.c), how a token is fetched, or how fast one sends.
 *
 * Queries are schema-qualified to the last operator, so they mean the same
 * under any search_path.
 */
#include "postgres.h"

#include <string.h>

#include "access/reloptions.h"
#include "catalog/pg_type.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "account/account.h"
#include "base/secret_file.h"

#define MAX_CHOICES 10 /* chatbots named in a hint */

static char *copy_option(List *options, const char *name);
static void load_server_options(RcsServerOptions *o, List *options);
static void load_login(RcsServerOptions *o);
static char *default_query_url(const char *url);
static void connect_spi(void);
static uint64 run_query(SPIPlanPtr *plan, const char *sql, const char *arg, long limit);
static char *column_text(MemoryContext context, int row, int column);
static List *column_names(MemoryContext context, int row, int column);
static List *list_choices(void);
static char *choices_hint(List *choices);
static char *resolve_named(MemoryContext context, const char *name, bool from_setting);
static char *resolve_only(MemoryContext context);

bool
rcs_account_is_ours(const ForeignServer *server)
{
	return strcmp(GetForeignDataWrapper(server->fdwid)->fdwname, RCS_FDW_NAME) == 0;
}

const char *
rcs_account_option(List *options, const char *name)
{
	ListCell *lc;

	foreach(lc, options)
	{
		DefElem *def = lfirst_node(DefElem, lc);

		if (strcmp(def->defname, name) == 0)
			return defGetString(def);
	}
	return NULL;
}

/*
 * Options of the mapping FOR PUBLIC.  GetUserMapping() would raise when there
 * is none, which for a worker is a state to report and not an error.
 */
List *
rcs_account_mapping(Oid serverid, bool *found)
{
	HeapTuple tuple;
	Datum datum;
	bool isnull;
	List *options = NIL;

	tuple = SearchSysCache2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(InvalidOid),
							ObjectIdGetDatum(serverid));
	*found = HeapTupleIsValid(tuple);
	if (!*found)
		return NIL;
	datum = SysCacheGetAttr(USERMAPPINGUSERSERVER, tuple, Anum_pg_user_mapping_umoptions, &isnull);
	if (!isnull)
		options = untransformRelOptions(datum);
	ReleaseSysCache(tuple);
	return options;
}

/*
 * A server of another wrapper is as good as none: nothing of ours may be sent
 * to its url.  With missing_ok the answer is then NULL.
 */
RcsServerOptions *
rcs_account_load(const char *server, bool missing_ok)
{
	ForeignServer *fs = GetForeignServerByName(server, missing_ok);
	RcsServerOptions *o;

	if (fs == NULL)
		return NULL;
	if (!rcs_account_is_ours(fs))
	{
		if (missing_ok)
			return NULL;
		ereport(
			ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("server \"%s\" is not a carrier account", server),
			 errhint(
				 "A carrier account is made with CREATE SERVER ... TYPE 'kt' FOREIGN DATA WRAPPER rcs.")));
	}

	o = palloc0(sizeof(RcsServerOptions));
	o->serverid = fs->serverid;
	o->name = pstrdup(fs->servername);
	load_server_options(o, fs->options);
	load_login(o);
	if (fs->servertype == NULL || strcmp(fs->servertype, "kt") != 0)
		o->problem = pstrdup("the server is not of TYPE 'kt'");
	return o;
}

/* The text of an inline secret, or of the file that holds it; NULL and the reason when there is none. */
char *
rcs_account_read_secret(const RcsServerOptions *o, char **problem)
{
	*problem = NULL;
	if (o->rcs_secret != NULL)
		return pstrdup(o->rcs_secret);
	if (o->rcs_secret_file != NULL)
		return rcs_secret_file_read(o->rcs_secret_file, "rcs_secret_file", RCS_SECRET_MAX, problem);
	*problem = pstrdup("the user mapping has neither rcs_secret nor rcs_secret_file");
	return NULL;
}

void
rcs_account_check_usage(Oid roleid, List *names)
{
	ListCell *lc;

	foreach(lc, names)
	{
		char *name = lfirst(lc);
		Oid serverid = get_foreign_server_oid(name, false);

		/* the SQL function, since the C one was renamed between major versions */
		if (DatumGetBool(DirectFunctionCall3(has_server_privilege_id_id, ObjectIdGetDatum(roleid),
											 ObjectIdGetDatum(serverid),
											 CStringGetTextDatum("USAGE"))))
			continue;
		ereport(
			ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for foreign server \"%s\"", name),
			 errhint(
				 "The owner of the server can grant it: GRANT USAGE ON FOREIGN SERVER %s TO %s;",
				 quote_identifier(name), quote_identifier(GetUserNameFromId(roleid, false)))));
	}
}

/* Raises when a chatbot sends through the server; verb is "drop" or "rename". */
void
rcs_account_refuse_used(const char *server, const char *verb)
{
	Oid types[2] = {TEXTOID, TEXTOID};
	Datum args[2];

	args[0] = CStringGetTextDatum(server);
	args[1] = CStringGetTextDatum(verb);
	connect_spi();
	if (SPI_execute_with_args("SELECT rcs._refuse_used_server($1, $2)", 2, types, args, NULL, false,
							  0) != SPI_OK_SELECT)
		elog(ERROR, "could not look up the chatbots of server \"%s\"", server);
	SPI_finish();
}

static char *
copy_option(List *options, const char *name)
{
	const char *value = rcs_account_option(options, name);

	return value ? pstrdup(value) : NULL;
}

/* The validator has judged the syntax; values are only converted here. */
static void
load_server_options(RcsServerOptions *o, List *options)
{
	const char *rate = rcs_account_option(options, "rate_per_minute");
	const char *connections = rcs_account_option(options, "connections");
	const char *results = rcs_account_option(options, "results");

	o->url = copy_option(options, "url");
	o->query_url = copy_option(options, "query_url");
	if (o->url == NULL)
		o->problem = pstrdup("the server has no url");
	else if (o->query_url == NULL)
		o->query_url = default_query_url(o->url);
	o->rate_per_minute = rate ? atoi(rate) : 0;
	o->connections = connections ? atoi(connections) : RCS_DEFAULT_CONNECTIONS;
	o->results_by_query = results && strcmp(results, "query") == 0;
	o->ca_file = copy_option(options, "ca_file");
}

static void
load_login(RcsServerOptions *o)
{
	bool found;
	List *options = rcs_account_mapping(o->serverid, &found);

	o->rcs_id = copy_option(options, "rcs_id");
	o->rcs_secret = copy_option(options, "rcs_secret");
	o->rcs_secret_file = copy_option(options, "rcs_secret_file");
	if (o->problem != NULL)
		return;
	if (!found)
		o->problem = pstrdup("the server has no user mapping FOR PUBLIC");
	else if (o->rcs_id == NULL)
		o->problem = pstrdup("the user mapping has no rcs_id");
	else if (o->rcs_secret == NULL && o->rcs_secret_file == NULL)
		o->problem = pstrdup("the user mapping has neither rcs_secret nor rcs_secret_file");
}

/*
 * KT answers questions about results on a host of its own.  Only KT's own
 * host names are turned; a stand-in or a proxy serves both at one address.
 */
static char *
default_query_url(const char *url)
{
	static const char *const hosts[][2] = {
		{"https://agency.hermes.kt.com", "https://query.hermes.kt.com"},
		{"https://agency-stg.hermes.kt.com", "https://query-stg.hermes.kt.com"},
	};

	for (int i = 0; i < lengthof(hosts); i++)
	{
		size_t len = strlen(hosts[i][0]);

		if (pg_strncasecmp(url, hosts[i][0], len) == 0 &&
			(url[len] == '\0' || url[len] == '/' || url[len] == ':'))
			return psprintf("%s%s", hosts[i][1], url + len);
	}
	return pstrdup(url);
}

RcsChatbot *
rcs_chatbot_load(const char *chatbot)
{
	static SPIPlanPtr plan = NULL;
	MemoryContext caller = CurrentMemoryContext;
	RcsChatbot *bot = palloc0(sizeof(RcsChatbot));
	bool known;

	connect_spi();
	known =
		run_query(&plan,
				  "SELECT c.chatbot, c.servers, c.agency_id, c.agency_key, c.brand_key, c.callback,"
				  " c.footer, c.kisa_orig_code, c.fallback_prefix, c.cdr_id, c.owner"
				  " FROM rcs.chatbot c WHERE c.chatbot OPERATOR(pg_catalog.=) $1",
				  chatbot, 1) > 0;
	if (known)
	{
		char **texts[] = {&bot->agency_id,		 &bot->agency_key, &bot->brand_key,
						  &bot->callback,		 &bot->footer,	   &bot->kisa_orig_code,
						  &bot->fallback_prefix, &bot->cdr_id,	   &bot->owner};

		bot->chatbot = column_text(caller, 0, 1);
		bot->servers = column_names(caller, 0, 2);
		for (int i = 0; i < lengthof(texts); i++)
			*texts[i] = column_text(caller, 0, 3 + i);
	}
	SPI_finish();
	return known ? bot : NULL;
}

/* The chatbot to send as: the one given, else the setting, else the only one. */
char *
rcs_chatbot_resolve(const char *given)
{
	MemoryContext caller = CurrentMemoryContext;
	const char *setting = GetConfigOption("rcs.chatbot", true, false);
	char *result;

	connect_spi();
	if (given != NULL)
		result = resolve_named(caller, given, false);
	else if (setting != NULL && setting[0] != '\0')
		result = resolve_named(caller, setting, true);
	else
		result = resolve_only(caller);
	SPI_finish();
	return result;
}

static char *
resolve_named(MemoryContext context, const char *name, bool from_setting)
{
	static SPIPlanPtr plan = NULL;

	if (run_query(&plan,
				  "SELECT c.chatbot FROM rcs.chatbot c WHERE c.chatbot OPERATOR(pg_catalog.=) $1",
				  name, 1) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("chatbot \"%s\" does not exist", name),
				 from_setting ? errdetail("It is the value of the setting rcs.chatbot.") : 0,
				 errhint("%s", choices_hint(list_choices()))));
	return column_text(context, 0, 1);
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

/* One more than a hint names, so that the hint can say that there are more. */
static List *
list_choices(void)
{
	static SPIPlanPtr plan = NULL;
	List *choices = NIL;
	uint64 n;

	n = run_query(&plan,
				  "SELECT c.chatbot FROM rcs.chatbot c"
				  " ORDER BY c.chatbot COLLATE pg_catalog.\"C\" USING OPERATOR(pg_catalog.<)",
				  NULL, MAX_CHOICES + 1);
	for (uint64 i = 0; i < n; i++)
		choices = lappend(choices, column_text(CurrentMemoryContext, (int) i, 1));
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

static void
connect_spi(void)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
}

/* Keeps the plan in *plan; reads with the caller's snapshot where there is one. */
static uint64
run_query(SPIPlanPtr *plan, const char *sql, const char *arg, long limit)
{
	Oid types[1] = {TEXTOID};
	Datum args[1];
	int rc;

	if (*plan == NULL)
	{
		SPIPlanPtr fresh = SPI_prepare(sql, arg ? 1 : 0, types);

		if (fresh == NULL)
			elog(ERROR, "could not prepare \"%s\": %s", sql, SPI_result_code_string(SPI_result));
		SPI_keepplan(fresh);
		*plan = fresh;
	}
	args[0] = arg ? CStringGetTextDatum(arg) : (Datum) 0;
	rc = SPI_execute_plan(*plan, args, NULL, ActiveSnapshotSet(), limit);
	if (rc != SPI_OK_SELECT)
		elog(ERROR, "could not read rcs.chatbot: %s", SPI_result_code_string(rc));
	return SPI_processed;
}

static char *
column_text(MemoryContext context, int row, int column)
{
	char *value = SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);

	return value ? MemoryContextStrdup(context, value) : NULL;
}

static List *
column_names(MemoryContext context, int row, int column)
{
	bool isnull;
	Datum datum = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull);
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
