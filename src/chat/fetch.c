/*
 * fetch.c
 *		rcs_fetch: JSON of a data service, in the backend that asks for it.
 *
 * It uses the HTTP client of the workers, and starts it at the first request.  An
 * interrupt is served while the answer is waited for; the request is dropped
 * then.  This file must not know the use of an answer.
 */
#include "postgres.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"

#include "account/account.h"
#include "account/data_request.h"
#include "base/evloop.h"
#include "process/owner.h"

/* a page of some ten thousand customers; a caller asks for more by pages */
#define ANSWER_MAX (32 * 1024 * 1024)
#define CONNECTIONS 4
#define NAP_MS 1000

/* ---------- the server ---------- */

static RcsDataServer *
load_server(const char *name, Oid caller)
{
	RcsOwnerScope scope;
	RcsDataServer *server;
	char *problem = NULL;

	rcs_owner_begin(&scope);
	if (!rcs_data_server_exists(name, &problem))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("cannot fetch: %s", problem),
				 errhint("Data services are foreign servers of TYPE 'http' of the wrapper rcs.")));
	/* first: only those who may use the server learn the fault of its login */
	rcs_account_check_usage(caller, list_make1((char *) name));
	server = rcs_data_server_load(name, &problem);
	if (server == NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("server \"%s\" cannot be used: %s", name, problem),
						errhint("Correct its options, or those of its user mapping FOR PUBLIC; the "
								"server's user must be able to read its files.")));
	rcs_owner_end(&scope);
	return server;
}

/* ---------- the request ---------- */

static void
shut_down(int code, Datum arg)
{
	rcs_http_shutdown();
}

/* In a chat worker, where handlers call rcs_fetch, the client is started already. */
static void
start_client(void)
{
	rcs_evloop_init();
	if (!rcs_http_init())
		return;
	rcs_http_set_max_connections(CONNECTIONS);
	before_shmem_exit(shut_down, (Datum) 0);
}

static void
perform(RcsHttpRequest *r)
{
	if (!rcs_http_start(r))
		return;
	while (!rcs_http_take_done(r))
	{
		long ms = rcs_http_timeout_ms();

		rcs_evloop_wait_in_transaction(ms >= 0 ? Min(ms, NAP_MS) : NAP_MS);
		rcs_http_run();
	}
}

/* The bytes of the answer in the current context. */
static char *
ask(RcsHttpRequest *r, RcsDataServer *server, size_t *len)
{
	char *volatile answer = NULL;
	char *volatile problem = NULL;

	start_client();
	PG_TRY();
	{
		perform(r);
		problem = rcs_data_request_problem(r, server->name);
		if (problem == NULL)
		{
			*len = r->answer_len;
			answer = memcpy(palloc(*len + 1), r->answer, *len + 1);
		}
	}
	PG_FINALLY();
	{
		rcs_http_abort(r);
		rcs_data_server_wipe(server);
	}
	PG_END_TRY();
	if (problem == NULL)
		return answer;
	ereport(ERROR, (errcode(r->outcome == RCS_HTTP_ANSWER ? ERRCODE_SYSTEM_ERROR
														  : ERRCODE_CONNECTION_FAILURE),
					errmsg("%s", problem), errhint("Ask whoever runs the data service.")));
}

/* ---------- the answer ---------- */

/* The error of the parser is replaced, since it would show the data.  The parser holds only memory. */
static Datum
parse(const char *answer, size_t len, const char *server)
{
	MemoryContext context = CurrentMemoryContext;
	volatile Datum json = (Datum) 0;
	volatile bool valid = true;

	PG_TRY();
	{
		pg_verify_mbstr(PG_UTF8, answer, (int) len, false);
		json = DirectFunctionCall1(jsonb_in,
								   CStringGetDatum(pg_any_to_server(answer, (int) len, PG_UTF8)));
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		if (geterrcode() == ERRCODE_QUERY_CANCELED || geterrcode() == ERRCODE_ADMIN_SHUTDOWN)
			PG_RE_THROW();
		FlushErrorState();
		valid = false;
	}
	PG_END_TRY();
	if (!valid)
		ereport(ERROR, (errcode(ERRCODE_SYSTEM_ERROR),
						errmsg("server \"%s\" answered with something that is not JSON", server),
						errhint("Data services answer with JSON in UTF-8.")));
	return json;
}

/* ---------- SQL ---------- */

static char *
body_of(Jsonb *body, int *len)
{
	char *text = JsonbToCString(NULL, &body->root, VARSIZE(body));

	text = pg_server_to_any(text, (int) strlen(text), PG_UTF8);
	*len = (int) strlen(text);
	return text;
}

PG_FUNCTION_INFO_V1(rcs_fetch);
Datum
rcs_fetch(PG_FUNCTION_ARGS)
{
	Oid caller = GetUserId();
	RcsDataServer *server;
	RcsHttpRequest *r = palloc0(sizeof(RcsHttpRequest));
	char *problem = NULL;
	char *answer;
	char *name;
	size_t answer_len;
	int len;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("server and path must not be null")));
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	server = load_server(name, caller);
	if (!rcs_data_request(r, server, text_to_cstring(PG_GETARG_TEXT_PP(1)), &problem))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s", problem),
						errhint("Give a path such as /customers?page=1.")));
	if (!PG_ARGISNULL(2))
	{
		r->get = false;
		r->body = body_of(PG_GETARG_JSONB_P(2), &len);
		r->body_len = len;
	}
	r->answer_max = ANSWER_MAX;
	answer = ask(r, server, &answer_len);
	return parse(answer, answer_len, name);
}
