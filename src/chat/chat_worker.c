/*
 * chat_worker.c
 *		The loop of a chat worker: messages of users are answered.
 *
 * One statement answers all messages that need nothing but a fixed reply.  A
 * transaction looks at a few of the others, and answers each or learns which
 * data it needs.  If a transaction fails, its messages are tried one by one.  A
 * handler may take long, so it has a transaction of its own.  Data are fetched
 * while no transaction is open, many at once, and another transaction answers
 * with them.  A reply is committed together with the note that its message is
 * answered, so this commit does not wait for the disk: the worker that sends the
 * reply flushes it first.  README.md has the calls in their order.
 *
 * It knows no rules; those are in schema/100_reply.sql.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/evloop.h"
#include "base/monotonic.h"
#include "base/pg_compat.h"
#include "base/statement.h"
#include "chat/chat_worker.h"
#include "chat/claim.h"
#include "chat/data_job.h"
#include "chat/handler.h"
#include "process/my_slot.h"
#include "process/txn.h"
#include "process/wakeup.h"
#include "process/worker.h"

#define MAX_JOBS 256	   /* data requests in flight */
#define BATCH_MAX 16	   /* messages of a transaction; the network waits meanwhile */
#define BATCH_TIME 5000	   /* microseconds, after which no message joins a transaction */
#define PLAIN_MAX 64	   /* messages that are answered by one statement */
#define ANSWERS_MAX 8	   /* messages of a transaction that answers with data */
#define NAP SECOND		   /* between two looks without a wake-up */
#define BUSY (10 * SECOND) /* after something came, or failed: then the naps become longer */
#define FULL_LOOK (10 * SECOND)
#define LATE_IDS 1000  /* a transaction may commit so many ids late */
#define MAX_FAILURES 5 /* of a message in a row, then it stays unanswered */

/* The messages of one transaction. */
typedef struct Batch
{
	int most;
	int n;
	int64 seen;
	int64 ids[BATCH_MAX];
	RcsChatJob *jobs[BATCH_MAX]; /* NULL: answered already */
	bool more;					 /* there may be another message */
	int nplain;					 /* answered before these, by one statement */
} Batch;

static RcsSlot *slot;
static dlist_head jobs = DLIST_STATIC_INIT(jobs);
static int njobs = 0;
static int64 low_id = 0; /* below it no message is known to wait */
static int64 highest_id = 0;
static int64 full_look_at = 0;
static int64 look_at = 0;
static int64 busy_until = 0;
static uint32 wakes_seen = 0;
static int one_by_one = 0;		   /* messages to be tried alone after a failure */
static int plain_most = BATCH_MAX; /* small at first, so that the first replies leave early */

/* ---------- looking ---------- */

static RcsStatement next_message = {"SELECT n.id, n.rule_id, n.server, n.path, n.seen, n.alone::int"
									" FROM rcs._chat_next($1, $2) AS n",
									2,
									{INT8OID, BOOLOID},
									NULL};

/* False: the batch ends here. */
static bool
look_at_next(Batch *batch)
{
	Datum values[2] = {Int64GetDatum(batch->seen),
					   BoolGetDatum(batch->n == 0 && batch->nplain == 0)};
	int64 id;
	bool alone;
	char *server;

	rcs_execute(&next_message, values, NULL);
	id = rcs_column_int64(0, 1);
	alone = rcs_column_int64(0, 6) != 0;
	batch->seen = rcs_column_int64(0, 5);
	highest_id = Max(highest_id, batch->seen);
	if (id == 0)
	{
		batch->more = alone; /* alone: it is left to the next batch */
		return false;
	}
	batch->ids[batch->n] = id;
	server = rcs_column_text(0, 3, CurrentMemoryContext);
	if (server != NULL)
	{
		char *path = rcs_column_text(0, 4, CurrentMemoryContext);

		/* kept in the batch first: it is dropped there when preparing fails */
		batch->jobs[batch->n] = rcs_chat_job_new(id, rcs_column_int64(0, 2));
		rcs_chat_job_prepare(batch->jobs[batch->n], server, path);
	}
	batch->n++;
	rcs_chat_keep();
	return !alone;
}

static RcsStatement answer_plain = {"SELECT p.n, p.seen, p.rest::int"
									" FROM rcs._chat_plain($1, $2) AS p",
									2,
									{INT8OID, INT4OID},
									NULL};

/* Answers the plain ones at the head of the queue.  True: there are messages of another kind. */
static bool
look_at_plain(Batch *batch)
{
	Datum values[2] = {Int64GetDatum(batch->seen), Int32GetDatum(plain_most)};
	bool rest;

	rcs_execute(&answer_plain, values, NULL);
	batch->nplain = (int) rcs_column_int64(0, 1);
	batch->seen = rcs_column_int64(0, 2);
	highest_id = Max(highest_id, batch->seen);
	rest = rcs_column_int64(0, 3) != 0;
	batch->more = rest || batch->nplain == plain_most;
	return rest;
}

static void
look_body(void *arg)
{
	Batch *batch = arg;
	int64 end = rcs_now_us() + BATCH_TIME;

	if (one_by_one == 0 && !look_at_plain(batch))
		return;
	while (batch->n < batch->most && look_at_next(batch) && rcs_now_us() < end)
		;
}

static RcsStatement give_up = {"SELECT rcs._chat_give_up($1)", 1, {INT8OID}, NULL};

static void
give_up_body(void *arg)
{
	Datum id = Int64GetDatum(*(int64 *) arg);

	rcs_execute(&give_up, &id, NULL);
}

/* The error is in the log.  The message rests for a while, and others get their turn. */
static void
failed(int64 id)
{
	look_at = full_look_at = rcs_now_us() + SECOND;
	busy_until = rcs_now_us() + BUSY;
	if (id == 0 || rcs_worker_stopping(slot))
		return;
	if (rcs_chat_failed(id) >= MAX_FAILURES && rcs_txn_run(give_up_body, &id))
		rcs_chat_forget_failures(id);
}

/* A job without a request is answered at once; it and start() call each other. */
static void answer_without_data(RcsChatJob *job);

static void
start(RcsChatJob *job)
{
	dlist_push_tail(&jobs, &job->node);
	njobs++;
	pg_atomic_write_u32(&slot->in_flight, (uint32) njobs);
	if (job->problem == NULL)
		job->asked = rcs_http_start(&job->request);
	if (!job->asked)
		answer_without_data(job);
}

/* One message of several has failed: each is tried alone to find out which. */
static bool
batch_failed(const Batch *batch)
{
	int64 claimed = rcs_chat_claimed();
	int tried = batch->n + batch->nplain + (claimed != 0);

	if (tried > 1 || one_by_one == 0)
	{
		one_by_one = Max(tried, 1);
		return true;
	}
	failed(claimed != 0 ? claimed : batch->ids[0]);
	return false;
}

static void
end_look(Batch *batch, int i, bool done)
{
	RcsChatJob *job = batch->jobs[i];

	if (done && job != NULL)
	{
		start(job);
		return;
	}
	if (job != NULL)
		rcs_chat_job_drop(job);
	if (i >= batch->n)
		return;
	if (done)
		rcs_chat_forget_failures(batch->ids[i]);
	rcs_chat_release(batch->ids[i]);
}

/* True when another message may wait. */
static bool
look(void)
{
	Batch batch = {.seen = low_id, .more = true};
	bool done;

	batch.most = one_by_one > 0 ? 1 : Min(BATCH_MAX, MAX_JOBS - njobs);
	done = rcs_txn_run(look_body, &batch);
	plain_most = done && batch.nplain == plain_most ? Min(2 * plain_most, PLAIN_MAX) : BATCH_MAX;
	if (done)
		one_by_one = Max(one_by_one - 1, 0);
	else
		batch.more = batch_failed(&batch);
	rcs_chat_give_up_claim();
	for (int i = 0; i < BATCH_MAX; i++)
		end_look(&batch, i, done);
	return batch.more;
}

/* ---------- answering ---------- */

static RcsStatement answer_message = {"SELECT rcs._chat_answer($1, $2, $3, $4)",
									  4,
									  {INT8OID, INT8OID, BYTEAOID, TEXTOID},
									  NULL};

/* Jobs whose data has come, or whose request has failed. */
typedef struct Answers
{
	RcsChatJob *jobs[ANSWERS_MAX];
	int n;
} Answers;

static void
answer_one(RcsChatJob *job)
{
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

static void
answer_body(void *arg)
{
	Answers *answers = arg;

	for (int i = 0; i < answers->n; i++)
		answer_one(answers->jobs[i]);
}

static void
end_job(RcsChatJob *job, bool done)
{
	int64 id = job->id;

	if (done)
		rcs_chat_forget_failures(id);
	else
		failed(id);
	dlist_delete(&job->node);
	njobs--;
	pg_atomic_write_u32(&slot->in_flight, (uint32) njobs);
	rcs_chat_job_drop(job);
	rcs_chat_release(id);
}

/* In one transaction; if that fails, in one for each. */
static void
answer(Answers *answers)
{
	bool done;

	for (int i = 0; i < answers->n; i++)
		rcs_chat_job_note_problem(answers->jobs[i]);
	done = rcs_txn_run(answer_body, answers);
	for (int i = 0; i < answers->n; i++)
	{
		Answers alone = {{answers->jobs[i]}, 1};

		end_job(answers->jobs[i], done || (answers->n > 1 && rcs_txn_run(answer_body, &alone)));
	}
}

/* The request could not be started. */
static void
answer_without_data(RcsChatJob *job)
{
	Answers one = {{job}, 1};

	answer(&one);
}

static void
take_answers(void)
{
	RcsHttpRequest *r;
	Answers answers = {{NULL}, 0};

	rcs_http_run();
	while (!rcs_worker_stopping(slot) && (r = rcs_http_next_done()) != NULL)
	{
		answers.jobs[answers.n++] = r->owner;
		if (answers.n == ANSWERS_MAX)
		{
			answer(&answers);
			answers.n = 0;
		}
	}
	if (answers.n > 0 && !rcs_worker_stopping(slot))
		answer(&answers);
}

/* ---------- the loop ---------- */

/* True after a wake-up or a nap.  A full look, now and then, begins at the first message. */
static bool
look_is_wanted(int64 now)
{
	uint32 wakes = rcs_chat_wake_count(slot->dboid);

	if (now < look_at && wakes == wakes_seen)
		return false;
	if (wakes != wakes_seen || njobs > 0)
		busy_until = now + BUSY;
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
	int64 now = rcs_now_us();
	long wait_ms;
	long curl_ms;

	pg_atomic_write_u64(&slot->round_at, (uint64) GetCurrentTimestamp());
	if (njobs < MAX_JOBS && look_is_wanted(now))
	{
		look_at = now + (now < busy_until ? NAP : rcs_idle_nap_us());
		if (look())
			look_at = now;
		else
			low_id = Max(low_id, highest_id - LATE_IDS);
	}
	wait_ms = (long) ((Max(look_at - rcs_now_us(), 0) + 999) / 1000);
	if (njobs >= MAX_JOBS)
		wait_ms = NAP / 1000;
	if (rcs_http_any_done()) /* while a handler waited for data of its own */
		wait_ms = 0;
	curl_ms = rcs_http_timeout_ms();
	rcs_evloop_wait(curl_ms >= 0 ? Min(wait_ms, curl_ms) : wait_ms);
	take_answers();
}

/* A running handler is not waited for: another worker answers its message later. */
static void
sigterm(SIGNAL_ARGS)
{
	RcsPassSignal(SignalHandlerForShutdownRequest);
	if (rcs_handler_runs())
		RcsPassSignal(die);
	else
		RcsPassSignal(rcs_txn_cancel);
}

/* The largest plan is made here, so that no user waits for it. */
static void
warm_up(void *arg)
{
	Datum values[2] = {Int64GetDatum(PG_INT64_MAX), Int32GetDatum(1)};

	rcs_execute(&answer_plain, values, NULL);
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
	rcs_handler_open();
	pqsignal(SIGTERM, sigterm);
	rcs_evloop_init();
	rcs_http_init();
	rcs_http_set_max_connections(MAX_JOBS);
	(void) rcs_txn_run(warm_up, NULL);
	rcs_slot_set_state(slot, "running");
	while (!rcs_worker_stopping(slot))
	{
		rcs_worker_loop_housekeeping();
		one_round();
	}
	rcs_http_shutdown();
	rcs_worker_end(slot);
}
