/*
 * store.c
 *		The statements of the listener, each within a time limit.
 *
 * All pushes of one turn are stored by one commit, and answered with 200 after it.  If
 * that fails, each is tried alone, so that a bad one does not hold up the others.  A
 * push that is not stored gets 503, and the carrier repeats it; a repetition does no
 * harm, because each report is stored once.
 *
 * An element that is no JSON costs the others nothing: its bytes are kept.  The carrier
 * would send the same ones for ever, so the push is answered with 200.
 *
 * A database that a subscription fills stores nothing: the other server counts its
 * reports, and the rows of both would collide.
 *
 * This file must not know HTTP.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/jsonb.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "base/fault_point.h"
#include "base/foreign_json.h"
#include "base/foreign_list.h"
#include "base/monotonic.h"
#include "base/statement.h"
#include "listener/answer_http.h"
#include "listener/listener_shared.h"
#include "listener/store.h"
#include "process/txn.h"

#define TRANSACTION_MS 3000
#define ALONE_MS 3000 /* for all of them */
#define SHARED_US INT64CONST(1000000)

/* The work of one transaction. */
typedef struct Work
{
	void (*body)(void *arg);
	void *arg;
} Work;

static void
work_body(void *arg)
{
	Work *work = arg;

	enable_timeout_after(STATEMENT_TIMEOUT, TRANSACTION_MS);
	work->body(work->arg);
}

/*
 * False: the work may be lost.  The time-out also ends the wait of a commit for a
 * standby; work that is only on this server then counts as not stored.
 */
static bool
run(void (*body)(void *arg), void *arg)
{
	Work work = {body, arg};
	bool done = rcs_txn_try(work_body, &work);

	disable_timeout(STATEMENT_TIMEOUT, false);
	return done && rcs_txn_replicated();
}

/* ---------- pushes ---------- */

/* Far more than a body of the greatest size can hold of reports. */
#define ELEMENTS_MAX 10000

typedef struct Push
{
	RcsExchange *x;
	Jsonb *payload;
	RcsBytes *bad; /* elements of it that cannot be read */
	int n_bad;
} Push;

typedef struct Pushes
{
	Push *pushes;
	int n;
	int64 stored; /* in the transaction that has just run; -1: this database takes none */
} Pushes;

static RcsStatement receive =
	{"SELECT CASE WHEN rcs._filled_by() IS NULL THEN rcs._listener_receive($1, $2) ELSE -1 END",
	 2,
	 {JSONBARRAYOID, BYTEAARRAYOID},
	 NULL};

static Datum
payloads_of(const Pushes *p)
{
	Datum *elements = palloc(sizeof(Datum) * p->n);

	for (int i = 0; i < p->n; i++)
		elements[i] = JsonbPGetDatum(p->pushes[i].payload);
	return PointerGetDatum(construct_array(elements, p->n, JSONBOID, -1, false, TYPALIGN_INT));
}

static Datum
bad_ones_of(const Pushes *p)
{
	RcsBytes *all;
	int n = 0;

	for (int i = 0; i < p->n; i++)
		n += p->pushes[i].n_bad;
	all = palloc(sizeof(RcsBytes) * Max(n, 1));
	n = 0;
	for (int i = 0; i < p->n; i++)
		for (int j = 0; j < p->pushes[i].n_bad; j++)
			all[n++] = p->pushes[i].bad[j];
	return rcs_bytea_array(all, n);
}

static void
store_body(void *arg)
{
	Pushes *p = arg;
	Datum values[] = {payloads_of(p), bad_ones_of(p)};

	rcs_execute(&receive, values, NULL);
	p->stored = rcs_column_int64(0, 1);
}

static bool
store(Pushes *p)
{
	if (!run(store_body, p))
		return false;
	if (p->stored >= 0)
		rcs_listener_count(RCS_LISTENER_STORED, (uint64) p->stored);
	RCS_FAULT("webhook-committed");
	for (int i = 0; i < p->n; i++)
		rcs_answer_status(p->pushes[i].x, p->stored >= 0 ? 200 : 503);
	return true;
}

/* A push that is not tried within the time gets 503, and the carrier repeats it. */
static void
store_each(Pushes *all)
{
	int64 end = rcs_now_us() + ALONE_MS * INT64CONST(1000);

	for (int i = 0; i < all->n && rcs_now_us() < end; i++)
	{
		Pushes one = {&all->pushes[i], 1, 0};

		(void) store(&one);
	}
}

/* Could this be a report, or a message of a user, if what is no character were one? */
static bool
meant_well(RcsBytes element)
{
	const char *problem;
	Jsonb *mended = rcs_foreign_mended(element, PG_UTF8, &problem);

	return mended != NULL && JB_ROOT_IS_OBJECT(mended);
}

/* False: it is nothing that a carrier sends. */
static bool
read_elements(Push *p)
{
	RcsBytes body = {p->x->body, p->x->body + p->x->body_len};
	RcsForeignList l;
	bool any;

	if (!rcs_foreign_list(&l, body, "statusInfo", 0, ELEMENTS_MAX) || l.cut || l.n > ELEMENTS_MAX)
		return false;
	any = l.n_objects > 0;
	for (int i = 0; i < l.n_bad && !any; i++)
		any = meant_well(l.bad[i]);
	p->payload = l.good;
	p->bad = l.bad;
	p->n_bad = l.n_bad;
	return any;
}

static bool
read_push(Push *p)
{
	if (p->x->body_len == 0)
		return false;
	p->payload = rcs_foreign_document(p->x->body, p->x->body_len, RCS_BODY_MAX);
	return p->payload != NULL || read_elements(p);
}

void
rcs_listener_store(RcsExchange **exchanges, int n)
{
	Pushes all = {palloc(sizeof(Push) * n), 0, 0};

	for (int i = 0; i < n; i++)
	{
		Push push = {.x = exchanges[i]};

		if (read_push(&push))
			all.pushes[all.n++] = push;
		else
			rcs_answer_status(push.x, 400);
	}
	RCS_FAULT("webhook-parsed");
	if (all.n > 0 && !store(&all) && all.n > 1)
		store_each(&all);
	for (int i = 0; i < all.n; i++)
		if (all.pushes[i].x->status == 0)
			rcs_answer_status(all.pushes[i].x, 503);
}

/* ---------- questions ---------- */

static void
query_body(void *arg)
{
	RcsExchange *x = arg;

	x->route->answer(x);
}

void
rcs_listener_query(RcsExchange *x)
{
	if (!run(query_body, x) || x->status == 0)
		rcs_answer_status(x, 503);
}

/* The answer that all get for a while: asking often must not keep reports waiting. */
void
rcs_listener_query_shared(RcsExchange *x)
{
	static char *text = NULL;
	static const char *type;
	static int status;
	static int64 good_until = 0;

	if (text != NULL && rcs_now_us() < good_until)
	{
		rcs_answer_text(x, status, type, text);
		return;
	}
	rcs_listener_query(x);
	free(text);
	text = x->answer_len > 0 ? strdup(x->answer) : NULL;
	type = x->content_type;
	status = x->status;
	good_until = rcs_now_us() + SHARED_US;
}

static RcsStatement health =
	{"SELECT h.body::pg_catalog.text, h.ok::int FROM rcs._listener_health() AS h", 0, {0}, NULL};

void
rcs_answer_health(RcsExchange *x)
{
	rcs_execute(&health, NULL, NULL);
	rcs_answer_json(x, rcs_column_int64(0, 2) == 1 ? 200 : 503, rcs_column_utf8(0, 1));
}

static RcsStatement metrics = {"SELECT rcs._listener_metrics()", 0, {0}, NULL};

void
rcs_answer_metrics(RcsExchange *x)
{
	rcs_execute(&metrics, NULL, NULL);
	rcs_answer_text(x, 200, "text/plain; version=0.0.4; charset=utf-8", rcs_column_utf8(0, 1));
}
