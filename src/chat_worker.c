/*
 * chat_worker.c
 *		The loop of a chat worker: messages of users, and what answers them.
 *
 * A message is looked at in a transaction of its own, which answers it, or says
 * which data it needs; those are fetched while no transaction is open, many at
 * once, and another transaction answers with them.  A reply is committed together
 * with the note that its message is answered.  So that commit need not wait for
 * the disk: whoever sends the reply flushes it first.
 *
 * It knows no rules; those are in schema/66_reply.sql.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "chat_claim.h"
#include "chat_worker.h"
#include "data_request.h"
#include "evloop.h"
#include "statement.h"
#include "txn.h"
#include "wakeup.h"
#include "worker.h"

#define SECOND INT64CONST(1000000)
#define MAX_JOBS 256			 /* data requests in flight */
#define ANSWER_MAX (1024 * 1024) /* of the data for one answer */
#define LOOKS_AT_ONCE 16		 /* then the network gets its turn */
#define NAP SECOND				 /* until a look that nobody asked for */
#define FULL_LOOK (10 * SECOND)
#define LATE_IDS 1000 /* a transaction may commit so many ids late */
#define MAX_FAILURES 5

/* A message whose data is on its way. */
typedef struct Job
{
	dlist_node node;
	int64 id;
	int64 rule_id;
	MemoryContext cxt;
	RcsDataServer *server;
	RcsHttpRequest request;
	char *problem; /* NULL: data is there, or not asked for yet */
	bool asked;	   /* the request is curl's */
} Job;

static RcsSlot *slot;
static dlist_head jobs = DLIST_STATIC_INIT(jobs);
static int njobs = 0;
static int64 low_id = 0; /* below it nothing is to be done, as far as is known */
static int64 highest_id = 0;
static int64 full_look_at = 0;
static int64 look_at = 0;
static uint32 wakes_seen = 0;

/* ---------- jobs ---------- */

static Job *
new_job(void)
{
	MemoryContext cxt =
		AllocSetContextCreate(TopMemoryContext, "rcs chat job", ALLOCSET_SMALL_SIZES);
	Job *job = MemoryContextAllocZero(cxt, sizeof(Job));

	job->cxt = cxt;
	return job;
}

static void
drop_job(Job *job)
{
	if (job->asked)
		rcs_http_abort(&job->request);
	if (job->server != NULL)
		rcs_data_server_wipe(job->server);
	MemoryContextDelete(job->cxt);
}

/* ---------- looking ---------- */

static RcsStatement next_message = {"SELECT n.id, n.rule_id, n.server, n.path, n.seen"
									" FROM rcs._chat_next($1) AS n",
									1,
									{INT8OID},
									NULL};

static void
prepare_request(Job *job, const char *server, const char *path)
{
	job->server = rcs_data_server_load(server, &job->problem);
	if (job->server != NULL && rcs_data_request(&job->request, job->server, path, &job->problem))
		job->request.answer_max = ANSWER_MAX;
	job->request.owner = job;
}

static void
look_body(void *arg)
{
	Job *job = arg;
	Datum from = Int64GetDatum(low_id);
	char *server;
	MemoryContext old;

	rcs_execute(&next_message, &from, NULL);
	job->id = rcs_column_int64(0, 1);
	job->rule_id = rcs_column_int64(0, 2);
	highest_id = Max(highest_id, rcs_column_int64(0, 5));
	server = rcs_column_text(0, 3, CurrentMemoryContext);
	if (server == NULL)
		return;
	old = MemoryContextSwitchTo(job->cxt);
	prepare_request(job, server, rcs_column_text(0, 4, job->cxt));
	MemoryContextSwitchTo(old);
}

static RcsStatement give_up = {"SELECT rcs._chat_give_up($1)", 1, {INT8OID}, NULL};

static void
give_up_body(void *arg)
{
	Datum id = Int64GetDatum(*(int64 *) arg);

	rcs_execute(&give_up, &id, NULL);
}

/* What failed is in the log.  It rests for a while, and others get their turn. */
static void
failed(int64 id)
{
	look_at = full_look_at = GetCurrentTimestamp() + SECOND;
	if (id == 0 || rcs_worker_stopping(slot))
		return;
	if (rcs_chat_failed(id) >= MAX_FAILURES && rcs_txn_run(give_up_body, &id))
		rcs_chat_forget_failures(id);
}

static void answer(Job *job);

static void
start(Job *job)
{
	rcs_chat_keep();
	dlist_push_tail(&jobs, &job->node);
	njobs++;
	pg_atomic_write_u32(&slot->in_flight, (uint32) njobs);
	if (job->problem == NULL)
		job->asked = rcs_http_start(&job->request);
	if (!job->asked)
		answer(job);
}

/* True when there may be another one. */
static bool
look(void)
{
	Job *job = new_job();
	int64 claimed;
	bool found;

	if (!rcs_txn_run(look_body, job))
	{
		claimed = rcs_chat_claimed();
		failed(claimed);
		rcs_chat_give_up_claim();
		drop_job(job);
		return false;
	}
	found = job->id != 0;
	if (found && (job->server != NULL || job->problem != NULL))
	{
		start(job);
		return true;
	}
	if (found)
		rcs_chat_forget_failures(job->id);
	rcs_chat_give_up_claim();
	drop_job(job);
	return found;
}

/* ---------- answering ---------- */

static RcsStatement answer_message = {"SELECT rcs._chat_answer($1, $2, $3, $4)",
									  4,
									  {INT8OID, INT8OID, BYTEAOID, TEXTOID},
									  NULL};

static void
answer_body(void *arg)
{
	Job *job = arg;
	Datum values[4] = {Int64GetDatum(job->id), Int64GetDatum(job->rule_id), 0, 0};
	char nulls[] = "  nn";

	if (job->problem != NULL)
	{
		values[3] = CStringGetTextDatum(job->problem);
		nulls[3] = ' ';
	}
	else
	{
		bytea *data = palloc(VARHDRSZ + job->request.answer_len);

		SET_VARSIZE(data, VARHDRSZ + job->request.answer_len);
		memcpy(VARDATA(data), job->request.answer, job->request.answer_len);
		values[2] = PointerGetDatum(data);
		nulls[2] = ' ';
	}
	rcs_execute(&answer_message, values, nulls);
}

/* The data is there, or will never be. */
static void
answer(Job *job)
{
	MemoryContext old = MemoryContextSwitchTo(job->cxt);
	int64 id = job->id;

	if (job->problem == NULL)
		job->problem = rcs_data_request_problem(&job->request, job->server->name);
	MemoryContextSwitchTo(old);
	if (rcs_txn_run(answer_body, job))
		rcs_chat_forget_failures(id);
	else
		failed(id);
	dlist_delete(&job->node);
	njobs--;
	pg_atomic_write_u32(&slot->in_flight, (uint32) njobs);
	drop_job(job);
	rcs_chat_release(id);
}

static void
take_answers(void)
{
	RcsHttpRequest *r;

	rcs_http_run();
	while (!rcs_worker_stopping(slot) && (r = rcs_http_next_done()) != NULL)
		answer(r->owner);
}

/* ---------- the loop ---------- */

/* Is it time to look?  Now and then from the very first message on. */
static bool
look_is_wanted(int64 now)
{
	uint32 wakes = rcs_chat_wake_count(slot->dboid);

	if (now < look_at && wakes == wakes_seen)
		return false;
	wakes_seen = wakes;
	if (now >= full_look_at)
	{
		low_id = 0;
		full_look_at = now + FULL_LOOK;
	}
	return true;
}

static void
one_round(void)
{
	int64 now = GetCurrentTimestamp();
	long wait_ms;
	long curl_ms;

	pg_atomic_write_u64(&slot->round_at, (uint64) now);
	if (njobs < MAX_JOBS && look_is_wanted(now))
	{
		bool more = true;

		look_at = now + NAP;
		for (int i = 0; more && i < LOOKS_AT_ONCE && njobs < MAX_JOBS; i++)
			more = !rcs_worker_stopping(slot) && look();
		if (more)
			look_at = now;
		else
			low_id = Max(low_id, highest_id - LATE_IDS);
	}
	wait_ms = (long) ((Max(look_at - GetCurrentTimestamp(), 0) + 999) / 1000);
	if (njobs >= MAX_JOBS)
		wait_ms = NAP / 1000;
	curl_ms = rcs_http_timeout_ms();
	rcs_evloop_wait(curl_ms >= 0 ? Min(wait_ms, curl_ms) : wait_ms);
	take_answers();
}

/* A handler is not waited for; its message is answered by whoever comes next. */
static void
sigterm(SIGNAL_ARGS)
{
	SignalHandlerForShutdownRequest(postgres_signal_arg);
	rcs_txn_cancel(postgres_signal_arg);
}

static void
pin_settings(void *arg)
{
	SetConfigOption("client_encoding", "UTF8", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("synchronous_commit", "off", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("jit", "off", PGC_USERSET, PGC_S_OVERRIDE);
}

void
rcs_chat_main(Datum main_arg)
{
	slot = rcs_worker_begin(main_arg);
	if (!rcs_txn_run(pin_settings, NULL))
		rcs_worker_end(slot);
	pqsignal(SIGTERM, sigterm);
	rcs_evloop_init();
	rcs_http_init();
	rcs_http_set_max_connections(MAX_JOBS);
	rcs_slot_set_state(slot, "running");
	while (!rcs_worker_stopping(slot))
	{
		rcs_worker_loop_housekeeping();
		one_round();
	}
	rcs_http_shutdown();
	rcs_worker_end(slot);
}
