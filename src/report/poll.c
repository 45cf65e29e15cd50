/*
 * poll.c
 *		The poller: asks the carrier for reports, beside the messages of the single
 *		worker 0 of a database.
 *
 * One question of an account is open at a time (question.c).  A hold stops the
 * questions: a copy of a database must not take the reports of the original.
 *
 * This file must not know SQL, or what a question says.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "account/account_shared.h"
#include "base/monotonic.h"
#include "process/own_lock.h"
#include "process/txn.h"
#include "process/wakeup.h"
#include "report/overdue.h"
#include "report/poll.h"
#include "report/question.h"

#define LOOK_EVERY (2 * SECOND) /* while an account cannot be asked */
#define LOOK_IDLE \
	(60 * SECOND)	 /* while each is asked, or none is to be; also when the servers change */
#define RETRY SECOND /* after a look that failed: it may have waited for a lock */

static bool poller = false;
static int64 look_at_us = 0;
static uint32 changes_seen = 0;
static bool might_ask = false; /* at the round before */

/* ---------- accounts ---------- */

static void
give_up_claim(RcsPoll *p)
{
	if (p->claimed == 0)
		return;
	rcs_own_unlock_session(RCS_OWN_POLL, p->claimed, ExclusiveLock);
	p->claimed = 0;
}

/*
 * One process of the whole server asks for the results of an account: two databases,
 * or two names of one account, would each get some of them.  A lock ends with its
 * process.
 */
static void
claim(RcsPoll *p)
{
	int64 account = rcs_account_key(p->account->options->url, p->account->options->rcs_id);
	bool again;

	if (p->claimed == account)
		return;
	give_up_claim(p);
	if (rcs_own_lock_session(RCS_OWN_POLL, account, ExclusiveLock, &again) && !again)
	{
		p->claimed = account;
		p->claims_refused = 0;
		/* failures before the claim do not count any more */
		p->failures = 0;
		p->results_at_us = 0;
		return;
	}
	/* only after some refusals: the process before this one may be about to end */
	if (++p->claims_refused > RCS_POLL_BLIPS)
		rcs_poll_problem(p, "the results of this account are asked for under another name, or by "
							"another database, of this server");
}

static void
look_at_account(const RcsPollRow *row)
{
	RcsPoll *p = rcs_poll_of(row->server);
	const RcsServerOptions *o;

	if (p == NULL)
		p = rcs_poll_add(row);
	p->account = rcs_carrier_account(row->server);
	o = p->account->options;
	p->present = p->account->shared >= 0 && o != NULL && o->problem == NULL;
	p->by_query = p->present && o->results_by_query;
	if (p->by_query)
		claim(p);
	else
		give_up_claim(p);
	if (!p->by_query && p->state == RCS_POLL_IDLE)
		rcs_poll_problem(p, "");
}

static void
look(void *arg)
{
	RcsPollRow *rows;
	int n = rcs_poll_rows(CurrentMemoryContext, &rows);
	ListCell *lc;

	foreach(lc, rcs_polls())
	{
		((RcsPoll *) lfirst(lc))->present = false;
		((RcsPoll *) lfirst(lc))->by_query = false;
	}
	for (int i = 0; i < n; i++)
		look_at_account(&rows[i]);
}

/* Nothing tells us that another process does not ask any more, or that a file with a secret is there. */
static int64
look_every(void)
{
	ListCell *lc;

	foreach(lc, rcs_polls())
	{
		const RcsPoll *p = lfirst(lc);

		if (p->by_query && p->claimed == 0)
			return p->claims_refused > RCS_POLL_BLIPS ? rcs_idle_nap_us() : LOOK_EVERY;
		if (p->account->options != NULL && !p->present)
			return rcs_idle_nap_us();
	}
	return LOOK_IDLE;
}

static void
look_when_due(int64 now_us)
{
	uint32 changes = rcs_carrier_changes();

	if (might_ask && now_us < look_at_us && changes == changes_seen)
		return;
	changes_seen = changes;
	look_at_us = rcs_txn_run(look, NULL) ? now_us + look_every() : rcs_now_us() + RETRY;
}

/* ---------- the round ---------- */

static void
advance(RcsPoll *p, bool may_ask, int64 now_us, int64 *wait_us)
{
	if (now_us < p->again_us)
	{
		*wait_us = Min(*wait_us, p->again_us - now_us);
		return;
	}
	if (p->state == RCS_POLL_ANSWERED)
		rcs_question_store(p, now_us);
	else if (p->problem_changed)
		rcs_question_write_problem(p, now_us);
	if (p->state == RCS_POLL_IDLE && p->present && may_ask)
		rcs_question_ask(p, now_us, wait_us);
	if (p->state == RCS_POLL_ANSWERED)
		*wait_us = now_us < p->again_us ? Min(*wait_us, p->again_us - now_us) : 0;
}

static void
overdue_look(void *arg)
{
	rcs_overdue_look(*(int64 *) arg);
}

int
rcs_poll_begin(void)
{
	poller = true;
	return RCS_POLL_QUESTIONS;
}

/* Once in each round of the worker's loop. */
void
rcs_poll_round(int64 now_us, int64 *wait_us)
{
	bool may_ask = rcs_holds_known() && rcs_holds_reason() == NULL;
	ListCell *lc;

	if (!poller)
		return;
	if (may_ask)
		look_when_due(now_us);
	might_ask = may_ask;
	if (may_ask && rcs_overdue_wanted(now_us, wait_us))
		rcs_overdue_looked(rcs_txn_run(overdue_look, &now_us), now_us);
	foreach(lc, rcs_polls())
		advance(lfirst(lc), may_ask, now_us, wait_us);
}

/* True when this completed request was a question. */
bool
rcs_poll_request_done(RcsHttpRequest *r)
{
	ListCell *lc;

	foreach(lc, rcs_polls())
	{
		RcsPoll *p = lfirst(lc);

		if (r != &p->request || p->state != RCS_POLL_FLYING)
			continue;
		rcs_question_done(p);
		return true;
	}
	return false;
}
