/*
 * campaign_lane.c
 *		The campaign lane: which campaign gets the next slice.
 *
 * Campaigns take turns by stride scheduling, a slice at a time: of those that have
 * something due the one with the lowest pass goes next, so that a campaign of ten
 * messages does not wait for one of a million.  A slice is what may leave within a
 * quarter second at the account's rate, so that little is in doubt after a crash and
 * a pause is honoured soon.  This file must not know HTTP and answers.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/monotonic.h"
#include "delivery/campaign_lane.h"
#include "delivery/choice.h"
#include "delivery/known_campaigns.h"
#include "delivery/lease.h"
#include "delivery/lease_text.h"
#include "delivery/record.h"
#include "delivery/stop.h"
#include "media/image_ready.h"

#define NOT_NOW (SECOND / 50) /* a campaign that could have no slice is tried again */
#define SMALL_BATCHES 50	  /* leases in one transaction at most */
#define LEAD (3 * SECOND)	  /* of a former primary, after a promotion */
#define ENDED_BATCHES 2		  /* of campaigns that are over, in one transaction */

static RcsLaneCampaign *taking = NULL; /* its slice is being made */

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

	dlist_foreach(iter, rcs_known_campaigns())
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

/* The whole campaign waits: another batch that names the image would be put back as well. */
static void
wait_for_image(RcsLaneCampaign *c, const RcsImageWait *image)
{
	rcs_lease_drop_late(c->current);
	rcs_record_release(c->current, image->delay_ms, image->reason);
	c->not_before_us = rcs_now_us() + image->delay_ms * (SECOND / 1000);
}

/*
 * The carrier knows the ids in doubt for a while only, so they do not wait behind the
 * rest of the campaign: what is left of the present batch goes back to its place.
 */
static void
let_doubt_pass(RcsLaneCampaign *c, RcsBot *bot)
{
	RcsRow *present = has_waiting(c) ? &c->current->rows[0] : NULL;
	RcsLease *doubt;

	if (!c->doubt_due || (present != NULL && (present->batch.unknown_since != 0 ||
											  !rcs_record_lock(c->current, present))))
		return;
	doubt = rcs_lease_doubt(c, bot, rcs_choice_closed(c));
	c->doubt_due = doubt != NULL;
	if (doubt == NULL)
		return;
	if (present != NULL)
	{
		rcs_lease_drop_late(c->current);
		rcs_record_release(c->current, 0, NULL);
	}
	c->current = doubt;
}

/* One slice of one campaign; false: it can have none in this turn. */
static bool
take_slice(RcsLaneCampaign *c)
{
	RcsBot *bot = rcs_carrier_bot(c->row.chatbot);
	RcsAccount *account;
	RcsImageWait image;
	const char *server;
	int most;
	int n;

	rcs_choice_know(c, bot);
	if (rcs_choice_account(c, NULL, NULL, &most, &image) == NULL)
		return false;
	let_doubt_pass(c, bot);
	if (!has_waiting(c))
	{
		c->current = rcs_lease_batch(c, bot, rcs_choice_closed(c));
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
	if (account == NULL || !rcs_lease_text_fill(c->current, account))
	{
		if (image.reason[0] != '\0')
			wait_for_image(c, &image);
		else if (server != NULL)
			wait_for_account(c->current, server);
		return false;
	}
	if (c->row.probation > 0)
		most = Min(most, c->row.probation); /* a few at a time (brake.c) */
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

	dlist_foreach(iter, rcs_known_campaigns())
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

/*
 * After a promotion a former primary that goes on must be met from behind, or its
 * campaign would be braked instead of ours: so it gets a lead, in microseconds.
 */
static int64
lead_left(void)
{
	TimestampTz promoted_at = rcs_holds_times()->promoted_at;

	return TIMESTAMP_IS_NOBEGIN(promoted_at) ? 0 : promoted_at + LEAD - GetCurrentTimestamp();
}

void
rcs_campaign_lane_turn(void)
{
	int64 now_us = rcs_now_us();
	RcsLaneCampaign *c;

	for (int i = 0; i < SMALL_BATCHES && lead_left() <= 0 && rcs_holds_reason() == NULL &&
					(c = pick(now_us)) != NULL;
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
rcs_campaign_lane_rolled_back(void)
{
	if (taking == NULL)
		return;
	taking->not_before_us =
		rcs_now_us() + Min(SECOND << Min(taking->failures, 10), RCS_CAMPAIGN_LONGEST_REST);
	taking->failures++;
	taking = NULL;
}

bool
rcs_campaign_lane_wanted(int64 now_us, int64 *wait_us)
{
	dlist_iter iter;

	if (rcs_known_campaigns_wanted(now_us, wait_us))
		return true;
	if (lead_left() > 0)
	{
		*wait_us = Min(*wait_us, lead_left());
		return false;
	}
	dlist_foreach(iter, rcs_known_campaigns())
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
