/*
 * account.c
 *		Reads carrier accounts.
 *
 * An account is a foreign server of the wrapper "rcs" plus its user mapping FOR
 * PUBLIC.  This file makes a struct of both and says which role may use it.  It must
 * not know which options are allowed (validator.c), how a token is fetched, or how
 * fast messages may be sent.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/reloptions.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "account/account.h"
#include "base/secret_file.h"
#include "base/statement.h"

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
 * Options of the mapping FOR PUBLIC.  GetUserMapping() is not used because it raises
 * when there is none: a worker must report that state, not fail with it.
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

static char *
copy_option(List *options, const char *name)
{
	const char *value = rcs_account_option(options, name);

	return value ? pstrdup(value) : NULL;
}

/*
 * KT answers questions about results on another host.  Only the host names of KT
 * are replaced, because a stand-in or a proxy serves both at one address.
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

/*
 * The owner of a server could change its url, so that the content of a file of the login
 * is sent to him.  NULL, or why a file named by this option is not used.
 */
char *
rcs_account_file_problem(Oid serverid, const char *option)
{
	if (has_privs_of_role(GetForeignServer(serverid)->owner, ROLE_PG_READ_SERVER_FILES))
		return NULL;
	return psprintf(
		"%s is not used, because the server's owner lacks pg_read_server_files: grant it, or ALTER SERVER ... OWNER TO a role that has it",
		option);
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
	else if (o->rcs_secret == NULL)
		o->problem = rcs_account_file_problem(o->serverid, "rcs_secret_file");
}

/*
 * A server of another wrapper counts as missing, because no message may be sent to
 * its url.  With missing_ok the result is then NULL.
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

/* The secret, given inline or in a file.  NULL when there is none; *problem then gives the reason. */
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

		/* the SQL function is called because the C one was renamed between major versions */
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

/* Qualified to the last name, so that it means the same under any search_path. */
static RcsStatement refuse_used = {"SELECT rcs._refuse_used_server($1, $2)",
								   2,
								   {TEXTOID, TEXTOID},
								   NULL};

/* Raises when a chatbot sends through the server; verb is "drop" or "rename". */
void
rcs_account_refuse_used(const char *server, const char *verb)
{
	Datum values[] = {CStringGetTextDatum(server), CStringGetTextDatum(verb)};

	SPI_connect();
	rcs_execute(&refuse_used, values, NULL);
	SPI_finish();
}
