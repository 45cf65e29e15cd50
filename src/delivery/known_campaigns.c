/*
 * known_campaigns.c
 *		The campaigns that this worker knows, and the look at the queue that brings them.
 *
 * The look is made when a commit wakes the lane, when something falls due, once a second
 * while campaigns run, and seldom else.  It tells which campaigns have something due,
 * and which must not go on as they were.  This file must not know leases, accounts and
 * whose turn it is.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/fault_point.h"
#include "base/monotonic.h"
#include "delivery/brake.h"
#include "delivery/failing.h"
#include "delivery/known_campaigns.h"
#include "process/wakeup.h"

#define LOOK_AGAIN (SECOND / 50) /* after a row that somebody had locked */

static struct
{
	dlist_head list; /* of RcsLaneCampaign */
	int n;
	int64 look_at_us;
	uint32 wakes_seen;
	uint32 steers_seen;
	bool looked; /* at least once */
} known = {.list = DLIST_STATIC_INIT(known.list)};

dlist_head *
rcs_known_campaigns(void)
{
	return &known.list;
}

static RcsLaneCampaign *
find_campaign(int64 campaign_no)
{
	dlist_iter iter;

	dlist_foreach(iter, &known.list)
	{
		RcsLaneCampaign *c = dlist_container(RcsLaneCampaign, node, iter.cur);

		if (c->row.campaign_no == campaign_no)
			return c;
	}
	return NULL;
}

/* A new campaign starts at the lowest pass among the due ones, so that it does not overtake them. */
static double
least_pass(void)
{
	double least = -1;
	dlist_iter iter;

	dlist_foreach(iter, &known.list)
	{
		RcsLaneCampaign *c = dlist_container(RcsLaneCampaign, node, iter.cur);

		if (c->due && (least < 0 || c->pass < least))
			least = c->pass;
	}
	return Max(least, 0);
}

bool
rcs_campaign_is_over(const RcsLaneCampaign *c, TimestampTz now)
{
	return c->row.canceled || (c->row.expires_at != 0 && c->row.expires_at <= now);
}

static void
know_campaign(const RcsCampaignRow *row, TimestampTz now, double least)
{
	RcsLaneCampaign *c = find_campaign(row->campaign_no);

	if (c == NULL)
	{
		c = MemoryContextAllocZero(TopMemoryContext, sizeof(RcsLaneCampaign));
		dlist_push_tail(&known.list, &c->node);
		known.n++;
	}
	if (!c->was_due)
		c->pass = Max(c->pass, least);
	c->changed = c->leases > 0 && ((c->changed && c->ready > 0) || c->row.version != row->version);
	c->row = *row;
	c->leased_due = DT_NOBEGIN;
	c->leased_id = 0;
	c->over = rcs_campaign_is_over(c, now);
	c->due = c->over ? !TIMESTAMP_IS_NOEND(row->next_at) : !row->paused && row->next_at <= now;
	if (!c->due && row->next_at > now)
		known.look_at_us = Min(known.look_at_us, rcs_now_us() + (row->next_at - now));
	if (!c->over && row->expires_at > now)
		known.look_at_us = Min(known.look_at_us, rcs_now_us() + (row->expires_at - now));
	if (row->retry_at > now)
		known.look_at_us = Min(known.look_at_us, rcs_now_us() + (row->retry_at - now));
	c->doubt_due = c->due && row->doubt_at <= now;
	if (c->due && row->doubt_at > now && !TIMESTAMP_IS_NOEND(row->doubt_at))
		known.look_at_us = Min(known.look_at_us, rcs_now_us() + (row->doubt_at - now));
}

/* A campaign that has failed lately is remembered, or its pauses would not grow. */
static bool
rests_after_failure(const RcsLaneCampaign *c)
{
	return c->failures > 0 && rcs_now_us() < c->not_before_us + RCS_CAMPAIGN_LONGEST_REST;
}

/* The row of a campaign with leases is read again, even when nothing of it waits in the queue. */
static List *
read_rows(void)
{
	int64 *ids = palloc(sizeof(int64) * Max(known.n, 1));
	int n = 0;
	dlist_iter iter;

	dlist_foreach(iter, &known.list)
	{
		RcsLaneCampaign *c = dlist_container(RcsLaneCampaign, node, iter.cur);

		if (c->leases > 0)
			ids[n++] = c->row.campaign_no;
	}
	return rcs_outbox_campaigns(ids, n, CurrentMemoryContext);
}

bool
rcs_known_campaigns_current(void)
{
	return rcs_delivery.lane != RCS_WORKER_CAMPAIGN ||
		   (known.looked && known.steers_seen == rcs_steer_count());
}

/* Before a look: a campaign that the look does not find is not due. */
static void
forget_old(void)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &known.list)
	{
		RcsLaneCampaign *c = dlist_container(RcsLaneCampaign, node, iter.cur);

		c->was_due = c->due;
		c->due = false;
		if (c->leases > 0 || rests_after_failure(c))
			continue;
		dlist_delete(&c->node);
		list_free(c->accounts);
		pfree(c);
		known.n--;
	}
}

/* True: some run, so the next look is within a second. */
static bool
some_run(void)
{
	bool found = false;
	dlist_iter iter;

	dlist_foreach(iter, &known.list)
	{
		RcsLaneCampaign *c = dlist_container(RcsLaneCampaign, node, iter.cur);

		found |= c->due || c->leases > 0;
	}
	if (found)
		known.look_at_us = Min(known.look_at_us, rcs_now_us() + SECOND);
	return found;
}

static bool
look_is_due(int64 now_us)
{
	return now_us >= known.look_at_us ||
		   known.wakes_seen != rcs_campaign_wake_count(MyDatabaseId) ||
		   !rcs_known_campaigns_current();
}

bool
rcs_known_campaigns_wanted(int64 now_us, int64 *wait_us)
{
	if (look_is_due(now_us))
		return true;
	*wait_us = Min(*wait_us, known.look_at_us - now_us);
	return false;
}

/* True: there is something to do. */
bool
rcs_known_campaigns_turn(void)
{
	TimestampTz now = GetCurrentTimestamp();
	uint32 wakes = rcs_campaign_wake_count(MyDatabaseId); /* before the snapshot */
	uint32 steers = rcs_steer_count();
	double least = least_pass();
	List *rows;
	dlist_mutable_iter iter;
	ListCell *lc;

	dlist_foreach_modify(iter, &known.list)
	{
		RcsLaneCampaign *c = dlist_container(RcsLaneCampaign, node, iter.cur);

		rcs_failing_pause(c);
		rcs_brake_turn(c);
	}
	if (!look_is_due(rcs_now_us()) || RCS_FAULT_LATE("campaign-look"))
		return some_run();
	rows = read_rows();
	known.look_at_us = rcs_now_us() + rcs_idle_nap_us();
	known.wakes_seen = wakes;
	known.steers_seen = steers;
	known.looked = true;
	forget_old();
	foreach(lc, rows)
	{
		rcs_brake_retry(lfirst(lc));
		know_campaign(lfirst(lc), now, least);
	}
	return some_run();
}

void
rcs_known_campaigns_look_soon(void)
{
	known.look_at_us = Min(known.look_at_us, rcs_now_us() + LOOK_AGAIN);
}

void
rcs_known_campaigns_look_anew(void)
{
	known.looked = false;
}

bool
rcs_known_campaigns_stopped(TimestampTz now)
{
	dlist_iter iter;

	dlist_foreach(iter, &known.list)
	{
		RcsLaneCampaign *c = dlist_container(RcsLaneCampaign, node, iter.cur);

		if (c->ready > 0 && (c->row.paused || c->changed || rcs_campaign_is_over(c, now)))
			return true;
	}
	return false;
}
