/*
 * console.c
 *		The data of the web console, and its steps.
 *
 * Reads as the owner of the extension, through rcs._console(), which shows no full
 * phone number.  Steers as rcs.console_role, and so has no right that this role
 * lacks.
 *
 * A login with the operators' secret begins a session; programs may send the secret
 * with each request instead.  A request of a session that changes something must come
 * from our own page: it carries a header that no other site's page can set, and an
 * Origin, if there is one, that is ours.
 *
 * This file must not know how campaigns are kept.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/uuid.h"

#include "base/statement.h"
#include "listener/answer_http.h"
#include "listener/console.h"
#include "listener/session.h"
#include "process/guc.h"

#define API "/api/"
#define CAMPAIGNS API "campaigns/"
#define MESSAGES API "messages/"
#define UUID_TEXT_LEN 36
#define HANDLE_TEXT_LEN 56 /* as handle.c makes them */

/* The data that a request asks for. */
typedef struct Question
{
	const char *what; /* the name that rcs._console() takes; NULL: there is no such data */
	bool has_id;
	pg_uuid_t id;
	char handle[HANDLE_TEXT_LEN + 1]; /* of a message; empty: none */
	int hours;
} Question;

/* ---------- rights ---------- */

static bool
has_session(const RcsExchange *x)
{
	return rcs_session_known(rcs_exchange_header(x, "Cookie"));
}

static bool
is_operator(const RcsExchange *x)
{
	return (x->roles & RCS_ROLE_OPERATOR) != 0 || has_session(x);
}

static bool
may_read(const RcsExchange *x)
{
	return rcs_console_read || is_operator(x);
}

/* An Origin is "https://name:port"; our own name is the Host of the same request. */
static bool
is_our_page(const RcsExchange *x)
{
	const char *origin = rcs_exchange_header(x, "Origin");
	const char *host = rcs_exchange_header(x, "Host");
	const char *name = origin != NULL ? strstr(origin, "://") : NULL;

	if (rcs_exchange_header(x, "X-RCS-Console") == NULL)
		return false;
	if (origin == NULL)
		return true;
	return name != NULL && host != NULL && pg_strcasecmp(name + 3, host) == 0;
}

static void
refuse(RcsExchange *x, int status, const char *why)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoString(&json, "{\"error\": ");
	escape_json(&json, why);
	appendStringInfoChar(&json, '}');
	rcs_answer_json(x, status, json.data);
}

/* ---------- sessions ---------- */

void
rcs_console_session(RcsExchange *x)
{
	bool reads = may_read(x);
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"login\": %s, \"authenticated\": %s, \"read\": %s, \"steer\": %s",
					 rcs_listen_operator_file[0] != '\0' ? "true" : "false",
					 is_operator(x) ? "true" : "false", reads ? "true" : "false",
					 is_operator(x) && rcs_console_role[0] != '\0' ? "true" : "false");
	if (reads)
	{
		appendStringInfoString(&json, ", \"database\": ");
		escape_json(&json, rcs_listen_database);
	}
	appendStringInfoChar(&json, '}');
	rcs_answer_json(x, 200, json.data);
}

static void
begin_session(RcsExchange *x)
{
	const char *scheme = rcs_exchange_header(x, "X-Forwarded-Proto");
	const char *cookie = rcs_session_begin(scheme != NULL && pg_strcasecmp(scheme, "https") == 0);

	if (cookie == NULL)
	{
		rcs_answer_status(x, 503);
		return;
	}
	rcs_answer_json(x, 200, "{}");
	rcs_answer_header(x, "Set-Cookie", cookie);
}

/* The secret comes as it does from programs: the listener has judged it already. */
void
rcs_console_login(RcsExchange *x)
{
	if (!is_our_page(x))
		refuse(x, 403, "only the console's own page may log in");
	else if ((x->roles & RCS_ROLE_OPERATOR) != 0)
		begin_session(x);
	else
		refuse(x, 401, "that is not the operators' secret");
}

void
rcs_console_logout(RcsExchange *x)
{
	const char *cookie;

	if (!is_our_page(x))
	{
		refuse(x, 403, "only the console's own page may log out");
		return;
	}
	cookie = rcs_session_end(rcs_exchange_header(x, "Cookie"));
	rcs_answer_json(x, 200, "{}");
	rcs_answer_header(x, "Set-Cookie", cookie);
}

/* ---------- reading ---------- */

/* Takes only the usual form of a uuid, so that no other text gets to the database. */
static bool
take_uuid(const char *text, size_t len, pg_uuid_t *id)
{
	char copy[UUID_TEXT_LEN + 1];

	if (len != UUID_TEXT_LEN)
		return false;
	for (int i = 0; i < UUID_TEXT_LEN; i++)
	{
		bool is_hyphen = i == 8 || i == 13 || i == 18 || i == 23;

		if (is_hyphen ? text[i] != '-' : !isxdigit((unsigned char) text[i]))
			return false;
	}
	memcpy(copy, text, UUID_TEXT_LEN);
	copy[UUID_TEXT_LEN] = '\0';
	*id = *DatumGetUUIDP(DirectFunctionCall1(uuid_in, CStringGetDatum(copy)));
	return true;
}

static const char *
with_id(Question *q, const char *id, const char *rest, const char *what)
{
	size_t len = strcspn(id, "/");

	q->has_id = take_uuid(id, len, &q->id);
	return q->has_id && strcmp(id + len, rest) == 0 ? what : NULL;
}

/* A message is asked for by its handle, a single one also by its id. */
static const char *
with_handle(Question *q, const char *handle)
{
	if (strlen(handle) != HANDLE_TEXT_LEN || strspn(handle, "0123456789abcdef") != HANDLE_TEXT_LEN)
		return with_id(q, handle, "", "message");
	strlcpy(q->handle, handle, sizeof(q->handle));
	return "message";
}

static Question
question_of(const RcsExchange *x)
{
	static const char *const plain[] = {"overview", "campaigns", "health", "throughput"};
	const char *hours = rcs_exchange_arg(x, "hours");
	const char *before = rcs_exchange_arg(x, "before");
	const char *rest = x->path + strlen(API);
	Question q = {.hours = hours != NULL ? (int) strtol(hours, NULL, 10) : 1};

	if (strncmp(x->path, CAMPAIGNS, strlen(CAMPAIGNS)) == 0)
	{
		q.what = with_id(&q, x->path + strlen(CAMPAIGNS), "", "campaign");
		if (q.what == NULL)
			q.what = with_id(&q, x->path + strlen(CAMPAIGNS), "/messages", "messages");
	}
	else if (strncmp(x->path, MESSAGES, strlen(MESSAGES)) == 0)
		q.what = with_handle(&q, x->path + strlen(MESSAGES));
	else
	{
		for (int i = 0; i < lengthof(plain); i++)
			if (strcmp(rest, plain[i]) == 0)
				q.what = plain[i];
		if (before != NULL)
			q.has_id = take_uuid(before, strlen(before), &q.id);
	}
	return q;
}

static RcsStatement show = {"SELECT rcs._console($1, $2, $3, $4)::text",
							4,
							{TEXTOID, UUIDOID, INT4OID, TEXTOID},
							NULL};

void
rcs_console_show(RcsExchange *x)
{
	Question q = question_of(x);
	Datum values[4] = {0, UUIDPGetDatum(&q.id), Int32GetDatum(q.hours)};
	char nulls[] = "    ";
	char *json;

	if (!may_read(x))
	{
		refuse(x, 401, "log in first");
		return;
	}
	if (q.what == NULL)
	{
		refuse(x, 404, "there is no such page");
		return;
	}
	values[0] = CStringGetTextDatum(q.what);
	values[3] = CStringGetTextDatum(q.handle);
	nulls[1] = q.has_id ? ' ' : 'n';
	rcs_execute(&show, values, nulls);
	json = rcs_column_utf8(0, 1);
	if (json[0] == '\0')
		refuse(x, 404, "there is no such thing");
	else
		rcs_answer_json(x, 200, json);
}

/* ---------- steering ---------- */

static RcsStatement steer = {"SELECT s ->> 'sqlstate', s::text FROM rcs._console_steer($1, $2) s",
							 2,
							 {TEXTOID, UUIDOID},
							 NULL};
static RcsStatement note = {"SELECT rcs._console_noted($1, $2)", 2, {UUIDOID, TEXTOID}, NULL};

/* Runs the step as that role; the step cannot change to another role. */
static void
steer_as(Oid role, Datum *values, char **sqlstate, char **json)
{
	Oid userid;
	int sec;

	GetUserIdAndSecContext(&userid, &sec);
	SetUserIdAndSecContext(role,
						   sec | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	rcs_execute(&steer, values, NULL);
	*sqlstate = rcs_column_text(0, 1, CurrentMemoryContext);
	*json = rcs_column_utf8(0, 2);
	SetUserIdAndSecContext(userid, sec);
}

static int
status_of(const char *sqlstate)
{
	if (sqlstate == NULL)
		return 200;
	if (strcmp(sqlstate, "42501") == 0)
		return 403;
	return strcmp(sqlstate, "P0002") == 0 ? 404 : 409;
}

static void
do_steer(RcsExchange *x, const char *step, pg_uuid_t *id)
{
	Oid role = get_role_oid(rcs_console_role, true);
	Datum values[2] = {CStringGetTextDatum(step), UUIDPGetDatum(id)};
	Datum noted[2] = {UUIDPGetDatum(id), CStringGetTextDatum(rcs_console_role)};
	char *sqlstate;
	char *json;

	if (!OidIsValid(role))
	{
		refuse(x, 409, "the role that rcs.console_role names does not exist");
		return;
	}
	steer_as(role, values, &sqlstate, &json);
	if (sqlstate == NULL)
		rcs_execute(&note, noted, NULL);
	rcs_answer_json(x, status_of(sqlstate), json);
}

void
rcs_console_steer(RcsExchange *x)
{
	static const char *const steps[] = {"pause", "resume", "cancel"};
	const char *rest = x->path + strlen(CAMPAIGNS);
	size_t len = strcspn(rest, "/");
	const char *step = NULL;
	pg_uuid_t id;

	for (int i = 0; i < lengthof(steps); i++)
		if (rest[len] == '/' && strcmp(rest + len + 1, steps[i]) == 0)
			step = steps[i];
	if (!is_operator(x))
		refuse(x, 401, "log in first");
	else if ((x->roles & RCS_ROLE_OPERATOR) == 0 && !is_our_page(x))
		refuse(x, 403, "only the console's own page may do that");
	else if (step == NULL || !take_uuid(rest, len, &id))
		refuse(x, 404, "there is no such page");
	else if (rcs_console_role[0] == '\0')
		refuse(x, 403, "the console cannot steer: rcs.console_role is not set");
	else
		do_steer(x, step, &id);
}
