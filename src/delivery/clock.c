/*
 * clock.c
 *		A clock that is set back while we send: what was due before stays due.
 *
 * Dates in the queue are the wall clock's: without this, a message that was queued
 * before a step back of an hour would wait for an hour.  The wall clock is compared with the one
 * that runs on, and the first worker of a lane tells the queue.  It looks at no message.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/monotonic.h"
#include "delivery/ad_window.h"
#include "delivery/clock.h"
#include "delivery/state.h"
#include "process/txn.h"
#include "queue/outbox.h"

static struct
{
	TimestampTz wall; /* at the last look, by the wall clock */
	int64 us;		  /* ... by the clock that runs on */
	int64 back_us;	  /* the queue does not know it yet */
	int64 not_before_us;
} seen;

/* How far the clock was set back since the last look, 0 = it was not. */
static int64
step(int64 now_us)
{
	TimestampTz wall = GetCurrentTimestamp();
	int64 back = seen.wall == 0 ? 0 : seen.wall + (now_us - seen.us) - wall;

	seen.wall = wall;
	seen.us = now_us;
	return back > SECOND ? back : 0; /* a clock that is slewed is off by less */
}

static void
set_back(void *arg)
{
	rcs_outbox_set_back(rcs_delivery.lane == RCS_WORKER_SINGLE, seen.back_us);
}

/* On hold as well: later nobody could tell what was due then from what is scheduled. */
bool
rcs_clock_look(int64 now_us)
{
	int64 back = step(now_us);

	if (back > 0)
		rcs_ad_window_clock_set_back();
	if (rcs_delivery.slot->index != 0)
		return back > 0;
	seen.back_us += back;
	if (seen.back_us == 0 || now_us < seen.not_before_us)
		return back > 0;
	seen.not_before_us = now_us + SECOND;
	if (!rcs_txn_run(set_back, NULL))
		return back > 0;
	ereport(LOG, (errmsg("the clock was set back by %.1f seconds; what was due stays due",
						 (double) seen.back_us / SECOND)));
	seen.back_us = 0;
	return true;
}
