/*
 * listener_worker.c
 *		The loop of the listener: settings, requests, answers.
 *
 * A setting that cannot be followed does not end the process: the problem stands
 * once in the log and stays in shared memory for rcs_health(), and it is tried again
 * now and then, because a port becomes free and a file is put in its place.
 *
 * This file must not know the content of requests.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/evloop.h"
#include "base/monotonic.h"
#include "listener/http_server.h"
#include "listener/listener_shared.h"
#include "listener/listener_worker.h"
#include "listener/routes.h"
#include "listener/session.h"
#include "listener/store.h"
#include "process/guc.h"
#include "process/my_slot.h"
#include "process/txn.h"
#include "process/worker.h"

#define MAX_AT_ONCE 256 /* one commit */
#define NAP_MS 1000
#define TRY_AGAIN_MS 2000

static RcsSlot *slot;
static RcsListenerSetup setup;
static bool is_open = false;
static char *problem_told = NULL;
static int64 try_again_at = 0; /* 0: all is well */
static uint32 reloads_seen = 0;
static MemoryContext turn_context;

/* ---------- settings ---------- */

/* Of several problems the first is told. */
static void
note(char **problem, char *another)
{
	if (*problem == NULL)
		*problem = another;
}

static void
read_secrets(const char *path, const char *setting, RcsSecrets *secrets, char **problem)
{
	char *reason = NULL;

	if (path[0] == '\0')
		memset(secrets, 0, sizeof(*secrets));
	else if (!rcs_listener_secrets_read(path, setting, secrets, &reason))
		note(problem, reason);
}

static void
take_settings(char **problem)
{
	char bad[RCS_CIDR_TEXT_MAX];
	RcsSecrets operators = setup.operators;

	setup.nallow = Max(rcs_cidr_list(rcs_listen_allow, setup.allow, RCS_LISTEN_ALLOW_MAX, bad), 0);
	read_secrets(rcs_listen_secret_file, "rcs.listen_secret_file", &setup.carrier, problem);
	read_secrets(rcs_listen_operator_file, "rcs.listen_operator_file", &setup.operators, problem);
	if (memcmp(&operators, &setup.operators, sizeof(operators)) != 0)
		rcs_session_end_all();
	explicit_bzero(&operators, sizeof(operators));
	if (rcs_listen_secret_file[0] == '\0')
		note(problem, pstrdup("rcs.listen_secret_file is not set"));
}

static void
close_listener(void)
{
	if (!is_open)
		return;
	rcs_listener_close();
	is_open = false;
}

static void
open_listener(char **problem)
{
	bool moved = setup.port != rcs_listen_port || strcmp(setup.address, rcs_listen_address) != 0;

	if (moved || setup.carrier.n == 0)
		close_listener();
	if (is_open || setup.carrier.n == 0)
		return;
	strlcpy(setup.address, rcs_listen_address, sizeof(setup.address));
	setup.port = rcs_listen_port;
	is_open = rcs_listener_open(&setup, problem);
	if (is_open)
		ereport(LOG, (errmsg("%s listens on %s port %d", MyBgworkerEntry->bgw_name, setup.address,
							 setup.port)));
}

/* Writes to the log when the problem is a new one. */
static void
tell(const char *problem)
{
	rcs_listener_tell(rcs_listen_address, rcs_listen_port, is_open, problem);
	rcs_slot_set_state(slot, is_open ? "listening" : "not listening");
	if (problem != NULL && (problem_told == NULL || strcmp(problem, problem_told) != 0))
		ereport(WARNING, (errcode(ERRCODE_CONFIG_FILE_ERROR),
						  errmsg(is_open ? "the listener of rcs keeps its old secrets: %s"
										 : "the listener of rcs does not listen: %s",
								 problem),
						  errhint("It is tried again every few seconds.")));
	if (problem_told != NULL)
		pfree(problem_told);
	problem_told = problem != NULL ? MemoryContextStrdup(TopMemoryContext, problem) : NULL;
}

static void
follow_settings(void)
{
	char *problem = NULL;

	take_settings(&problem);
	open_listener(&problem);
	tell(problem);
	try_again_at = problem == NULL ? 0 : rcs_now_us() + TRY_AGAIN_MS * INT64CONST(1000);
}

/* ---------- the loop ---------- */

static void
answer_all(RcsExchange **exchanges, int n)
{
	RcsExchange *pushed[MAX_AT_ONCE];
	int npushed = 0;

	for (int i = 0; i < n; i++)
	{
		switch (exchanges[i]->route->kind)
		{
			case RCS_ROUTE_STORE:
				pushed[npushed++] = exchanges[i];
				break;
			case RCS_ROUTE_QUERY:
				rcs_listener_query(exchanges[i]);
				break;
			case RCS_ROUTE_SHARED:
				rcs_listener_query_shared(exchanges[i]);
				break;
			case RCS_ROUTE_PLAIN:
				exchanges[i]->route->answer(exchanges[i]);
				break;
		}
	}
	if (npushed > 0)
		rcs_listener_store(pushed, npushed);
	for (int i = 0; i < n; i++)
		rcs_listener_answered(exchanges[i]);
}

static void
one_round(void)
{
	RcsExchange *exchanges[MAX_AT_ONCE];
	MemoryContext old = MemoryContextSwitchTo(turn_context);
	long wait_ms;
	int n;

	pg_atomic_write_u64(&slot->round_at, (uint64) GetCurrentTimestamp());
	if (reloads_seen != rcs_worker_reloads() || (try_again_at != 0 && rcs_now_us() >= try_again_at))
	{
		reloads_seen = rcs_worker_reloads();
		follow_settings();
	}
	wait_ms = rcs_listener_run();
	n = rcs_listener_take(exchanges, MAX_AT_ONCE);
	pg_atomic_write_u32(&slot->in_flight, (uint32) rcs_listener_connections());
	if (n > 0)
		answer_all(exchanges, n);
	else
		rcs_evloop_wait(wait_ms < 0 ? NAP_MS : Min(wait_ms, NAP_MS));
	MemoryContextSwitchTo(old);
	MemoryContextReset(turn_context);
}

/* A report must be on disk before it is answered, even if the database's default is otherwise. */
static void
pin_settings(void *arg)
{
	SetConfigOption("client_encoding", "UTF8", PGC_USERSET, PGC_S_OVERRIDE);
	if (synchronous_commit == SYNCHRONOUS_COMMIT_OFF)
		SetConfigOption("synchronous_commit", "on", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("jit", "off", PGC_USERSET, PGC_S_OVERRIDE);
}

void
rcs_listener_main(Datum main_arg)
{
	slot = rcs_worker_begin(main_arg);
	if (!rcs_txn_run(pin_settings, NULL))
		rcs_worker_end(slot);
	rcs_evloop_init();
	turn_context =
		AllocSetContextCreate(TopMemoryContext, "rcs listener turn", ALLOCSET_DEFAULT_SIZES);
	setup.routes = rcs_routes;
	setup.nroutes = rcs_nroutes;
	try_again_at = rcs_now_us();
	while (!rcs_worker_stopping(slot))
	{
		rcs_worker_loop_housekeeping();
		one_round();
	}
	close_listener();
	rcs_worker_end(slot);
}
