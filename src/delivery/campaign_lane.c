/*
 * campaign_lane.c
 *		The campaign lane: which campaign gets the next slice.
 *
 * A look at the queue, once a second or when a commit wakes the lane, tells
 * which campaigns have something due.  Among those the one that has had least
 * goes next, so that a campaign of ten messages does not wait for one of a
 * million.  It knows no HTTP.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/fault_point.h"
#include "base/monotonic.h"
#include "delivery/state.h"
#include "media/image_ready.h"
#include "process/wakeup.h"

#define NOT_NOW (SECOND / 50) /* a batch that somebody has locked is tried again */
#define SMALL_BATCHES 50	  /* leases in one transaction at most */
#define ENDED_BATCHES 2		  /* of campaigns that are over, in one transaction */
#define LONGEST_PAUSE (60 * SECOND)

static dlist_head campaigns = DLIST_STATIC_INIT(campaigns);
static int ncampaigns = 0;
static int64 look_at_us = 0;
static uint32 wakes_seen = 0;
static uint32 steers_seen = 0;
static bool looked = false;
static RcsLaneCampaign *taking = NULL; /* its slice is being made */

/* ---------- which campaigns there are ---------- */

static RcsLaneCampaign *
find_campaign(int64 campaign_no)
{
	dlist_iter iter;

	dlist_foreach(iter, &campaigns)
	{
		RcsLaneCampaign *c = dlist_container(RcsLaneCampaign, node, iter.cur);

		if (c->row.campaign_no == campaign_no)
			return c;
	}
	return NULL;
}

/* Who comes anew starts level with the one that has had least, not before it. */
static double
least_pass(void)
{
	double least = -1;
	dlist_iter iter;

	dlist_foreach(iter, &campaigns)
	{
		RcsLaneCampaign *c = dlist_container(RcsLaneCampaign, node, iter.cur);

		if (c->due && (least < 0 || c->pass < least))
			least = c->pass;
	}
	return Max(least, 0);
}

static void
know_campaign(const RcsCampaignRow *row, TimestampTz now, double least)
{
	RcsLaneCampaign *c = find_campaign(row->campaign_no);

	if (c == NULL)
	{
		c = MemoryContextAllocZero(TopMemoryContext, sizeof(RcsLaneCampaign));
		dlist_push_tail(&campaigns, &c->node);
		ncampaigns++;
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
		look_at_us = Min(look_at_us, rcs_now_us() + (row->next_at - now));
}

/* What has failed lately is remembered, or its pauses would not grow. */
static bool
pauses(const RcsLaneCampaign *c)
{
	return c->failures > 0 && rcs_now_us() < c->not_before_us + LONGEST_PAUSE;
}

/* Of those with leases the rows are read again, even when nothing of them waits in the queue. */
static List *
read_rows(void)
{
	int64 *known = palloc(sizeof(int64) * Max(ncampaigns, 1));
	int n = 0;
	dlist_iter iter;

	dlist_foreach(iter, &campaigns)
	{
		RcsLaneCampaign *c = dlist_container(RcsLaneCampaign, node, iter.cur);

		if (c->leases > 0)
			known[n++] = c->row.campaign_no;
	}
	return rcs_outbox_campaigns(known, n, CurrentMemoryContext);
}

static bool
look_is_due(int64 now_us)
{
	return now_us >= look_at_us || wakes_seen != rcs_campaign_wake_count(MyDatabaseId) ||
		   !rcs_campaigns_known();
}

/* In a turn, before anything is taken. */
void
rcs_campaigns_look(void)
{
	TimestampTz now = GetCurrentTimestamp();
	uint32 wakes = rcs_campaign_wake_count(MyDatabaseId); /* before the snapshot */
	uint32 steers = rcs_steer_count();
	double least = least_pass();
	List *rows;
	dlist_mutable_iter iter;
	ListCell *lc;

	dlist_foreach_modify(iter, &campaigns)
		rcs_stop_failing(dlist_container(RcsLaneCampaign, node, iter.cur));
	if (!look_is_due(rcs_now_us()) || RCS_FAULT_LATE("campaign-look"))
		return;
	rows = read_rows();
	look_at_us = rcs_now_us() + SECOND;
	wakes_seen = wakes;
	steers_seen = steers;
	looked = true;
	dlist_foreach_modify(iter, &campaigns)
	{
		RcsLaneCampaign *c = dlist_container(RcsLaneCampaign, node, iter.cur);

		c->was_due = c->due;
		c->due = false;
		if (c->leases > 0 || pauses(c))
			continue;
		dlist_delete(&c->node);
		list_free(c->accounts);
		pfree(c);
		ncampaigns--;
	}
	foreach(lc, rows)
		know_campaign(lfirst(lc), now, least);
}

/* The look could not settle everything. */
void
rcs_campaigns_look_soon(void)
{
	look_at_us = Min(look_at_us, rcs_now_us() + NOT_NOW);
}

/* Has everything that steered a campaign been seen? */
bool
rcs_campaigns_known(void)
{
	return rcs_delivery.lane != RCS_WORKER_CAMPAIGN || (looked && steers_seen == rcs_steer_count());
}

/* Is there one that is not to go on, with messages that are ready? */
bool
rcs_campaigns_stopped(TimestampTz now)
{
	dlist_iter iter;

	dlist_foreach(iter, &campaigns)
	{
		RcsLaneCampaign *c = dlist_container(RcsLaneCampaign, node, iter.cur);

		if (c->ready > 0 && (c->row.paused || c->changed || rcs_campaign_is_over(c, now)))
			return true;
	}
	return false;
}

/* ---------- the next slices ---------- */

static bool
has_waiting(const RcsLaneCampaign *c)
{
	return c->current != NULL && c->current->next < c->current->nitems;
}

static RcsLaneCampaign *
pick(int64 now_us)
{
	RcsLaneCampaign *best = NULL;
	dlist_iter iter;

	dlist_foreach(iter, &campaigns)
	{
		RcsLaneCampaign *c = dlist_container(RcsLaneCampaign, node, iter.cur);

		if ((c->due || has_waiting(c)) && !c->over && !c->row.paused &&
			now_us >= c->not_before_us && (best == NULL || c->pass < best->pass))
			best = c;
	}
	return best;
}

/*
 * Messages in doubt may go through one account only.  While it cannot be used
 * they must not stand in the way of the others.
 */
static void
wait_for_account(RcsLease *lease, const char *server)
{
	RcsAccount *a = rcs_carrier_account(server);
	char reason[NAMEDATALEN + 64];
	bool probe;
	int64 wait_us = SECOND;

	if (rcs_account_usable(a, rcs_now_us(), &probe, &wait_us))
		return;
	rcs_lease_drop_late(lease);
	snprintf(reason, sizeof(reason), "outcome unknown, and account %s cannot be used", server);
	rcs_record_release(lease, wait_us / 1000 + 1, reason);
}

/* The others wait as well: what names the same image would only be leased and put back. */
static void
wait_for_image(RcsLaneCampaign *c, const RcsImageWait *image)
{
	rcs_lease_drop_late(c->current);
	rcs_record_release(c->current, image->delay_ms, image->reason);
	c->not_before_us = rcs_now_us() + image->delay_ms * (SECOND / 1000);
}

/* One slice of one campaign; false: it can have none in this turn. */
static bool
take_slice(RcsLaneCampaign *c)
{
	RcsBot *room = rcs_carrier_bot(c->row.chatbot);
	RcsAccount *account;
	RcsImageWait image;
	const char *server;
	int most;
	int n;

	rcs_choice_know(c, room);
	if (rcs_choice_account(c, NULL, NULL, &most, &image) == NULL)
		return false;
	if (!has_waiting(c))
	{
		c->current = rcs_lease_batch(c, room, rcs_choice_closed(c));
		if (c->current == NULL)
		{
			c->due = false;
			return false;
		}
		if (rcs_holds_reason() != NULL)
			return false;
	}
	else if (!rcs_record_lock(c->current, &c->current->rows[0]))
		return false;
	server = c->current->rows[0].batch.server;
	account = rcs_choice_account(c, c->current, server, &most, &image);
	if (account == NULL || !rcs_lease_fill_images(c->current, account))
	{
		if (image.reason[0] != '\0')
			wait_for_image(c, &image);
		else if (server != NULL)
			wait_for_account(c->current, server);
		return false;
	}
	n = rcs_lease_intend(c->current, account, most);
	c->pass += (double) Max(n, 1) / c->row.weight;
	return true;
}

/* A few batches of campaigns that are over; the results of more would fill the memory. */
static void
end_some(int64 now_us)
{
	int n = 0;
	dlist_iter iter;

	dlist_foreach(iter, &campaigns)
	{
		RcsLaneCampaign *c = dlist_container(RcsLaneCampaign, node, iter.cur);

		while (c->over && c->due && now_us >= c->not_before_us && n < ENDED_BATCHES &&
			   rcs_holds_reason() == NULL)
		{
			taking = c;
			c->due = rcs_stop_batch(c);
			c->failures = 0;
			n++;
		}
	}
}

void
rcs_campaigns_take(void)
{
	int64 now_us = rcs_now_us();
	RcsLaneCampaign *c;

	for (int i = 0; i < SMALL_BATCHES && rcs_holds_reason() == NULL && (c = pick(now_us)) != NULL;
		 i++)
	{
		taking = c;
		if (!take_slice(c))
			c->not_before_us = Max(c->not_before_us, now_us + NOT_NOW);
		c->failures = 0;
	}
	end_some(now_us);
	taking = NULL;
}

/*
 * A slice that cannot be made may be one bad row: its campaign waits, longer
 * each time, so that it stops no other campaign and does not fill the log.
 */
void
rcs_campaigns_rolled_back(void)
{
	if (taking == NULL)
		return;
	taking->not_before_us = rcs_now_us() + Min(SECOND << Min(taking->failures, 10), LONGEST_PAUSE);
	taking->failures++;
	taking = NULL;
}

/* Would a turn find something to take?  Otherwise: when to ask again. */
bool
rcs_campaigns_wanted(int64 now_us, int64 *wait_us)
{
	dlist_iter iter;

	if (look_is_due(now_us))
		return true;
	*wait_us = Min(*wait_us, look_at_us - now_us);
	dlist_foreach(iter, &campaigns)
	{
		RcsLaneCampaign *c = dlist_container(RcsLaneCampaign, node, iter.cur);
		ListCell *lc;

		if ((!c->due && !has_waiting(c)) || (c->row.paused && !c->over))
			continue;
		if (now_us < c->not_before_us)
		{
			*wait_us = Min(*wait_us, c->not_before_us - now_us);
			continue;
		}
		if (c->over)
			return true;
		foreach(lc, c->accounts)
			if (rcs_choice_room(c, lfirst(lc), RCS_REFILL_BELOW, now_us, wait_us) > 0)
				return true;
	}
	return false;
}
