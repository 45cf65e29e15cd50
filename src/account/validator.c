/*
 * validator.c
 *		Checks CREATE SERVER and CREATE USER MAPPING.
 *
 * There are two entries.  The validator of the foreign-data wrapper judges each
 * option by itself: it sees neither the TYPE of a server nor the role of a mapping.
 * The event trigger looks at the finished object: its TYPE, the options that fit
 * it, the required ones, FOR PUBLIC only, renames of a server in use, and files with a
 * server whose owner may not read them.  One table of options serves both.  This file must not know what an option does, read
 * tables, or print the value of a secret.
 */
#include "postgres.h"

#include <arpa/inet.h>

#include "access/reloptions.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "commands/event_trigger.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "nodes/value.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "account/account.h"
#include "account/data_server.h"

#define TYPE_KT 1
#define TYPE_HTTP 2
#define URL_MAX 1024

/* ---------- values of options ---------- */

static bool
digits_between(const char *value, int min, int max)
{
	size_t len = strlen(value);

	return len > 0 && len <= 9 && strspn(value, "0123456789") == len && atoi(value) >= min &&
		   atoi(value) <= max;
}

/* Literal addresses only: 127.0.0.1.example.com is a name that anybody can register. */
static bool
is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (pg_strcasecmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &v4) == 1)
		return (ntohl(v4.s_addr) >> 24) == 127;
	return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static const char *
check_host(const char *host, size_t len, bool loopback_only)
{
	char *name = pnstrdup(host, len);
	struct in6_addr v6;

	if (len == 0)
		return "name a host";
	if (name[0] == '[')
	{
		name[len - 1] = '\0';
		name++;
		if (inet_pton(AF_INET6, name, &v6) != 1)
			return "have a valid IPv6 address between the brackets";
	}
	else if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") !=
			 len)
		return "have a host of letters, digits, dots and hyphens";
	if (loopback_only && !is_loopback(name))
		return "begin with https://, since http:// is for loopback addresses only (localhost, 127.0.0.1, [::1])";
	return NULL;
}

/*
 * An address must be fit to be joined with a path.  A login, a query and characters that
 * break a header or a line of the log are refused.
 */
static const char *
check_url(const char *value)
{
	bool https = pg_strncasecmp(value, "https://", 8) == 0;
	const char *host = value + (https ? 8 : 7);
	const char *host_end;
	const char *authority_end;

	if (!https && pg_strncasecmp(value, "http://", 7) != 0)
		return "be an address that begins with https://";
	if (strlen(value) > URL_MAX)
		return "have at most 1024 characters";
	for (const char *c = value; *c != '\0'; c++)
		if (*c <= ' ' || *c >= 0x7f || strchr("?#@\\\"<>", *c) != NULL)
			return "have the form https://host[:port][/path], without user name, query, fragment, blanks or characters beyond ASCII";

	authority_end = host + strcspn(host, "/");
	host_end = (*host == '[') ? host + strcspn(host, "]") + 1 : host + strcspn(host, ":/");
	if (host_end > authority_end)
		return "have a closing bracket after the address of the host";
	if (host_end < authority_end)
	{
		char *port = pnstrdup(host_end + 1, authority_end - host_end - 1);

		if (*host_end != ':' || !digits_between(port, 1, 65535))
			return "have a port between 1 and 65535 after the host";
	}
	return check_host(host, host_end - host, !https);
}

static const char *
check_rate(const char *value)
{
	return digits_between(value, 1, 6000000)
			   ? NULL
			   : "be a whole number between 1 and 6000000; leave the option out for no limit of ours";
}

static const char *
check_connections(const char *value)
{
	return digits_between(value, 1, 1024) ? NULL : "be a whole number between 1 and 1024";
}

static const char *
check_results(const char *value)
{
	return strcmp(value, "push") == 0 || strcmp(value, "query") == 0 ? NULL
																	 : "be \"push\" or \"query\"";
}

/* interval_in() raises for a bad value: its error gets our code and hint. */
static void
interval_error(void *problem)
{
	errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE);
	errhint("The value must %s.", (const char *) problem);
}

static const char *
check_interval(const char *value)
{
	const char *problem = "be an interval between 1 ms and 10 years, such as \"10s\"";
	ErrorContextCallback callback = {error_context_stack, interval_error,
									 unconstify(char *, problem)};
	Interval *i;
	double seconds;

	error_context_stack = &callback;
	i = DatumGetIntervalP(DirectFunctionCall3(interval_in, CStringGetDatum(value),
											  ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	error_context_stack = callback.previous;
	seconds = (i->month * (double) DAYS_PER_MONTH + i->day) * SECS_PER_DAY +
			  i->time / (double) USECS_PER_SEC;
	return seconds >= 0.001 && seconds <= 10 * DAYS_PER_YEAR * SECS_PER_DAY ? NULL : problem;
}

static const char *
check_bool(const char *value)
{
	bool result;

	return parse_bool(value, &result) ? NULL : "be \"true\" or \"false\"";
}

static const char *
check_id(const char *value)
{
	for (const char *c = value; *c != '\0'; c++)
		if (*c <= ' ' || *c >= 0x7f)
			return "have no blanks, control characters or characters beyond ASCII";
	return *value != '\0' && strlen(value) <= 20 ? NULL : "have between 1 and 20 characters";
}

static const char *
check_secret(const char *value)
{
	return *value != '\0' && strlen(value) <= RCS_SECRET_MAX ? NULL
															 : "have between 1 and 1024 bytes";
}

static const char *
check_file(const char *value)
{
	for (const char *c = value; *c != '\0'; c++)
		if ((unsigned char) *c < ' ' || *c == 0x7f)
			return "be the name of a file, without control characters";
	return is_absolute_path(value) && strlen(value) < MAXPGPATH ? NULL : "be an absolute path";
}

/* ---------- the options ---------- */

/* NULL, or the rest of the sentence "The value must ..." */
typedef const char *(*RcsOptionCheck)(const char *value);

typedef struct RcsOption
{
	const char *name;
	Oid catalog;
	int types; /* TYPE_KT | TYPE_HTTP */
	RcsOptionCheck check;
	bool is_file; /* needs the right to read files of the server */
} RcsOption;

static const RcsOption options_known[] = {
	{"url", ForeignServerRelationId, TYPE_KT | TYPE_HTTP, check_url, false},
	{"query_url", ForeignServerRelationId, TYPE_KT, check_url, false},
	{"rate_per_minute", ForeignServerRelationId, TYPE_KT, check_rate, false},
	{"connections", ForeignServerRelationId, TYPE_KT, check_connections, false},
	{"results", ForeignServerRelationId, TYPE_KT, check_results, false},
	{"timeout", ForeignServerRelationId, TYPE_HTTP, check_interval, false},
	{"media_ttl", ForeignServerRelationId, TYPE_HTTP, check_interval, false},
	{"allow_private", ForeignServerRelationId, TYPE_HTTP, check_bool, false},
	{"ca_file", ForeignServerRelationId, TYPE_KT | TYPE_HTTP, check_file, true},
	{"rcs_id", UserMappingRelationId, TYPE_KT, check_id, false},
	{"rcs_secret", UserMappingRelationId, TYPE_KT, check_secret, false},
	{"rcs_secret_file", UserMappingRelationId, TYPE_KT, check_file, true},
	{"header", UserMappingRelationId, TYPE_HTTP, rcs_data_header_problem, false},
	{"header_file", UserMappingRelationId, TYPE_HTTP, check_file, true},
};

static const RcsOption *
find_option(const char *name, Oid catalog, int types)
{
	for (int i = 0; i < lengthof(options_known); i++)
	{
		const RcsOption *o = &options_known[i];

		if (o->catalog == catalog && (o->types & types) != 0 && strcmp(o->name, name) == 0)
			return o;
	}
	return NULL;
}

static char *
valid_options_hint(Oid catalog, int types)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < lengthof(options_known); i++)
	{
		const RcsOption *o = &options_known[i];

		if (o->catalog == catalog && (o->types & types) != 0)
			appendStringInfo(&text, "%s%s", text.len > 0 ? ", " : "", o->name);
	}
	if (text.len == 0)
		return pstrdup("There are no valid options in this context.");
	return psprintf("Valid options in this context are: %s.", text.data);
}

/* ---------- each option by itself ---------- */

static void
check_option(const DefElem *def, Oid catalog)
{
	const RcsOption *o = find_option(def->defname, catalog, TYPE_KT | TYPE_HTTP);
	const char *problem;

	if (o == NULL)
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
						errmsg("invalid option \"%s\"", def->defname),
						errhint("%s", valid_options_hint(catalog, TYPE_KT | TYPE_HTTP))));

	/* the value is not in the message, because it may be a secret */
	problem = o->check(defGetString((DefElem *) def));
	if (problem != NULL)
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
						errmsg("invalid value for option \"%s\"", o->name),
						errhint("The value must %s.", problem)));

	if (o->is_file && !has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES))
		ereport(
			ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to set option \"%s\"", o->name),
			 errhint(
				 "Only roles with privileges of the role \"pg_read_server_files\" may name a file of the server.")));
}

static void
refuse_both(List *options, const char *one, const char *other)
{
	if (rcs_account_option(options, one) && rcs_account_option(options, other))
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
						errmsg("options \"%s\" and \"%s\" cannot be used together", one, other),
						errhint("Drop one of them.")));
}

PG_FUNCTION_INFO_V1(rcs_fdw_validator);
Datum
rcs_fdw_validator(PG_FUNCTION_ARGS)
{
	List *options = untransformRelOptions(PG_GETARG_DATUM(0));
	Oid catalog = PG_GETARG_OID(1);
	ListCell *lc;

	foreach(lc, options)
		check_option(lfirst_node(DefElem, lc), catalog);
	refuse_both(options, "rcs_secret", "rcs_secret_file");
	refuse_both(options, "header", "header_file");
	PG_RETURN_VOID();
}

/* ---------- the finished object ---------- */

static int
server_type(const ForeignServer *server)
{
	if (server->servertype == NULL)
		return 0;
	if (strcmp(server->servertype, "kt") == 0)
		return TYPE_KT;
	return strcmp(server->servertype, "http") == 0 ? TYPE_HTTP : 0;
}

static void
check_fits(List *options, Oid catalog, int type)
{
	ListCell *lc;

	foreach(lc, options)
	{
		const char *name = lfirst_node(DefElem, lc)->defname;

		if (find_option(name, catalog, type) == NULL)
			ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
							errmsg("option \"%s\" is not for servers of TYPE '%s'", name,
								   type == TYPE_KT ? "kt" : "http"),
							errhint("%s", valid_options_hint(catalog, type))));
	}
}

static void
require_option(List *options, const char *one, const char *other)
{
	if (rcs_account_option(options, one) || (other && rcs_account_option(options, other)))
		return;
	ereport(ERROR, (errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
					other ? errmsg("option \"%s\" or \"%s\" is required", one, other)
						  : errmsg("option \"%s\" is required", one)));
}

static void
check_server(const ForeignServer *server)
{
	int type = server_type(server);

	if (type == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 server->servertype ? errmsg("unknown TYPE \"%s\" of server \"%s\"",
											 server->servertype, server->servername)
									: errmsg("server \"%s\" has no TYPE", server->servername),
				 errhint(
					 "Write TYPE 'kt' for a carrier account or TYPE 'http' for a data service.")));
	check_fits(server->options, ForeignServerRelationId, type);
	require_option(server->options, "url", NULL);
	if (type == TYPE_KT && !rcs_account_option(server->options, "rate_per_minute"))
		ereport(
			NOTICE,
			(errmsg(
				 "server \"%s\" has no rate_per_minute, so there is no limit on its sending rate",
				 server->servername),
			 errhint("Set it to the contract rate of the account.")));
}

/* Whoever owns the server says where its login is sent. */
static void
check_file_is_used(const ForeignServer *server)
{
	const char *option = server_type(server) == TYPE_HTTP ? "header_file" : "rcs_secret_file";
	bool found;
	char *owner;

	if (rcs_account_file_problem(server->serverid, option) == NULL ||
		!rcs_account_option(rcs_account_mapping(server->serverid, &found), option))
		return;
	owner = GetUserNameFromId(server->owner, false);
	ereport(
		ERROR,
		(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
		 errmsg("option \"%s\" cannot be used with server \"%s\", which role \"%s\" owns", option,
				server->servername, owner),
		 errdetail(
			 "The owner of a server could send the content of the file elsewhere, and has no privileges of the role \"pg_read_server_files\"."),
		 errhint(
			 "GRANT pg_read_server_files TO %s; or let a role that has it own the server: ALTER SERVER %s OWNER TO ...;",
			 quote_identifier(owner), quote_identifier(server->servername))));
}

static void
check_mapping(const ForeignServer *server, const RoleSpec *user)
{
	int type = server_type(server);
	const char *secret = type == TYPE_HTTP ? "header" : "rcs_secret";
	const char *secret_file = type == TYPE_HTTP ? "header_file" : "rcs_secret_file";
	bool found;
	List *options = rcs_account_mapping(server->serverid, &found);

	if (user->roletype != ROLESPEC_PUBLIC)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("user mapping of server \"%s\" must be FOR PUBLIC", server->servername),
			 errdetail("A mapping of a named role shows its secret to that role."),
			 errhint(
				 "Use CREATE USER MAPPING FOR PUBLIC, and GRANT USAGE ON FOREIGN SERVER to those who may send.")));
	check_fits(options, UserMappingRelationId, type);
	if (type == TYPE_KT)
		require_option(options, "rcs_id", NULL);
	require_option(options, secret, secret_file);
	check_file_is_used(server);
	if (rcs_account_option(options, secret))
		ereport(NOTICE,
				(errmsg("the secret of server \"%s\" is kept in the database", server->servername),
				 errdetail("It appears in dumps, and in the log if statements are logged."),
				 errhint("Use the option \"%s\" in production.", secret_file)));
}

/*
 * ddl_command_end of CREATE and ALTER of servers and user mappings.  Written
 * in C because only the parse tree tells the old name in a rename.
 */
PG_FUNCTION_INFO_V1(rcs_account_ddl);
Datum
rcs_account_ddl(PG_FUNCTION_ARGS)
{
	Node *stmt;
	const char *name = NULL;
	const char *old_name = NULL;
	RoleSpec *user = NULL;
	bool new_owner = false;
	ForeignServer *server;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("function was not called by event trigger manager")));
	stmt = ((EventTriggerData *) fcinfo->context)->parsetree;

	if (IsA(stmt, CreateForeignServerStmt))
		name = ((CreateForeignServerStmt *) stmt)->servername;
	else if (IsA(stmt, AlterForeignServerStmt))
		name = ((AlterForeignServerStmt *) stmt)->servername;
	else if (IsA(stmt, RenameStmt))
	{
		name = ((RenameStmt *) stmt)->newname;
		old_name = strVal(((RenameStmt *) stmt)->object);
	}
	else if (IsA(stmt, AlterOwnerStmt))
	{
		name = strVal(((AlterOwnerStmt *) stmt)->object);
		new_owner = true;
	}
	else if (IsA(stmt, CreateUserMappingStmt))
	{
		name = ((CreateUserMappingStmt *) stmt)->servername;
		user = ((CreateUserMappingStmt *) stmt)->user;
	}
	else if (IsA(stmt, AlterUserMappingStmt))
	{
		name = ((AlterUserMappingStmt *) stmt)->servername;
		user = ((AlterUserMappingStmt *) stmt)->user;
	}

	server = name ? GetForeignServerByName(name, true) : NULL;
	if (server == NULL || !rcs_account_is_ours(server))
		PG_RETURN_NULL();
	if (old_name != NULL)
		rcs_account_refuse_used(old_name, "rename");
	else if (new_owner)
		check_file_is_used(server);
	else if (user != NULL)
		check_mapping(server, user);
	else
		check_server(server);
	PG_RETURN_NULL();
}
