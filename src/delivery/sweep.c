/*
 * sweep.c
 *		Looks after what others left behind: leases, many tallies, and reports
 *		and changes that the counts and the feed do not know yet, roles that were renamed.
 *
 * Each worker sweeps at its start and once a minute; one of them counts reports, once a
 * second while some come.  This file must not know HTTP and leases of workers that are alive.
 */
#include "postgres.h"

#include "account/rights.h"
#include "base/monotonic.h"
#include "delivery/origin.h"
#include "delivery/state.h"
#include "delivery/sweep.h"
#include "process/guc.h"
#include "process/txn.h"
#include "process/wakeup.h"
#include "process/worker.h"

#define SWEEP (60 * SECOND)
#define SWEEP_AGAIN (5 * SECOND) /* when the leases of a dead worker could not be judged yet */

#define RETRY SECOND /* after a transaction that failed: it may have waited for a lock */

#define COUNT_NAP SECOND
#define COUNT_IDLE (30 * SECOND)
#define COUNT_BUSY (5 * SECOND)
#define COUNT_MOST 500 /* a single message does not wait for more */

static struct
{
	int64 sweep_at_us;
	int64 count_at_us;
	bool swept;				   /* once */
	int64 count_idle_until_us; /* ... unless a commit says that there is something */
	int64 count_busy_until_us; /* a report may come before the result that it is about is written */
	uint32 counts_seen;
} due;

static void
take_over(int64 generation)
{
	int64 in_doubt = rcs_outbox_recover(generation, rcs_settle_dead / 1000.0);

	ereport(LOG, (errmsg("took over the work of a delivery worker that ended, " INT64_FORMAT
						 " messages are in doubt",
						 in_doubt)));
	rcs_wakeup_everything(); /* what was leased waits in the queue again */
}

static void
sweep(void *arg)
{
	int64 *generations;
	int n = rcs_outbox_generations(&generations);

	for (int i = 0; i < n && rcs_holds_reason() == NULL; i++)
	{
		if (generations[i] == rcs_worker_generation() || rcs_generation_alive(generations[i]))
			continue;
		if (rcs_origin_judge_leases(generations[i]))
			take_over(generations[i]);
		else
			due.sweep_at_us = Min(due.sweep_at_us, rcs_now_us() + SWEEP_AGAIN);
	}
	if (rcs_delivery.lane == RCS_WORKER_CAMPAIGN && rcs_delivery.slot->index == 0)
		rcs_outbox_fold();
}

/* One worker of the database: one for single messages, if there is any. */
static bool
follows_roles(void)
{
	return rcs_delivery.slot->index == 0 &&
		   rcs_delivery.lane == (rcs_single_workers > 0 ? RCS_WORKER_SINGLE : RCS_WORKER_CAMPAIGN);
}

static void
follow_roles(void *arg)
{
	rcs_roles_follow();
}

void
rcs_sweep_anew(void)
{
	if (dlist_is_empty(&rcs_delivery.leases))
		rcs_worker_new_generation();
	due.sweep_at_us = 0;
}

/* Leases may be judged only when it is known whether the database is on hold. */
void
rcs_sweep_when_due(int64 now_us)
{
	if (now_us < due.sweep_at_us || rcs_delivery.draining || !rcs_holds_known() ||
		rcs_holds_reason() != NULL)
		return;
	due.sweep_at_us = now_us + SWEEP;
	if (!rcs_txn_run(sweep, NULL))
	{
		rcs_holds_rolled_back();
		due.sweep_at_us = rcs_now_us() + RETRY;
		return;
	}
	due.swept = true;
	if (follows_roles())
		(void) rcs_txn_run(follow_roles, NULL);
	if (rcs_holds_committed())
		rcs_sweep_anew();
}

bool
rcs_swept(void)
{
	return due.swept;
}

static void
count_events(void *arg)
{
	int *n = arg;
	bool early;

	*n = rcs_outbox_count_events(COUNT_MOST, &early);
	if (early)
		due.count_busy_until_us = rcs_now_us() + COUNT_BUSY;
}

static void
number_changes(void *arg)
{
	rcs_outbox_number_changes();
}

/* True once a second while something comes, else seldom. */
static bool
count_is_due(int64 now_us)
{
	uint32 wakes = rcs_count_wake_count();

	if (now_us < due.count_at_us || rcs_delivery.draining ||
		rcs_delivery.lane != RCS_WORKER_SINGLE || rcs_delivery.slot->index != 0)
		return false;
	if (wakes != due.counts_seen || rcs_delivery.ndone > 0)
		due.count_busy_until_us = now_us + COUNT_BUSY;
	else if (now_us >= due.count_busy_until_us && now_us < due.count_idle_until_us)
		return false;
	due.counts_seen = wakes;
	return true;
}

void
rcs_count_when_due(int64 now_us)
{
	int n = 0;
	bool done;

	if (!count_is_due(now_us))
		return;
	done = rcs_txn_run(count_events, &n);
	if (done && rcs_changes)
		done = rcs_txn_run(number_changes, NULL);
	due.count_at_us = !done ? rcs_now_us() + RETRY : n >= COUNT_MOST ? now_us : now_us + COUNT_NAP;
	due.count_idle_until_us = done && n == 0 ? now_us + Min(COUNT_IDLE, 3 * rcs_idle_nap_us()) : 0;
}
