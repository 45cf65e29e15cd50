/*
 * choice.c
 *		Through which of its sender's accounts a campaign gets its next slice, and
 *		how much of it.
 *
 * Accounts fill up in proportion to their rates, so that a pool sends as fast as
 * all of them together.  It knows no SQL and no HTTP.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "base/monotonic.h"
#include "delivery/choice.h"

static int
campaign_slice(const RcsLaneCampaign *c, int slice)
{
	if (c->row.rate_per_minute <= 0)
		return slice;
	return Max(1, Min(slice, (int) (c->row.rate_per_minute / 60.0 * RCS_SLICE_SECONDS)));
}

/* How many messages of a campaign with a rate of its own may wait for permits, over all its accounts. */
static int
own_bound(const RcsLaneCampaign *c, int64 now_us)
{
	int sum = 0;
	bool probe;
	int64 wait_us;
	ListCell *lc;

	foreach(lc, c->accounts)
		if (rcs_account_usable(lfirst(lc), now_us, &probe, &wait_us))
			sum += rcs_account_slice(lfirst(lc), RCS_WORKER_CAMPAIGN);
	return campaign_slice(c, sum);
}

/*
 * How many intents this account may get for it now, when so many slices wait
 * for permits; 0 = none.  What waits for a rate of its own leaves the account's
 * rate to others.
 */
int
rcs_choice_room(const RcsLaneCampaign *c, RcsAccount *a, int slices, int64 now_us, int64 *wait_us)
{
	int slice = rcs_account_slice(a, RCS_WORKER_CAMPAIGN);
	bool probe;
	int64 wait = SECOND;

	if (!rcs_account_usable(a, now_us, &probe, &wait))
	{
		*wait_us = Min(*wait_us, wait);
		return 0;
	}
	if (probe)
		return a->ready == 0 ? 1 : 0;
	if (c->row.rate_per_minute > 0)
		return c->ready > slices * own_bound(c, now_us) ? 0 : campaign_slice(c, slice);
	return a->ready - a->paced > slices * slice ? 0 : slice;
}

void
rcs_choice_know(RcsLaneCampaign *c, RcsBot *bot)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	ListCell *lc;

	list_free(c->accounts);
	c->accounts = NIL;
	if (bot->chatbot != NULL)
	{
		foreach(lc, bot->chatbot->servers)
			c->accounts = lappend(c->accounts, rcs_carrier_account(lfirst(lc)));
	}
	MemoryContextSwitchTo(old);
}

/*
 * Nothing leaves while a commit is flushed, so without a rate of its own an
 * account gets several slices by one commit.
 */
static int
fill_slices(const RcsAccount *a)
{
	return rcs_account_slice(a, RCS_WORKER_CAMPAIGN) < RCS_SLICE_MAX ? RCS_REFILL_BELOW : 4;
}

static bool
has_images(const RcsLease *lease, RcsAccount *a, RcsImageWait *image)
{
	return lease == NULL || lease->text == NULL ||
		   rcs_image_ready(&lease->text->root, a, lease->campaign->row.chatbot, 0, image);
}

/* The slices that wait for its permits. */
static double
fill_of(const RcsAccount *a)
{
	return (double) a->ready / rcs_account_slice(a, RCS_WORKER_CAMPAIGN);
}

/*
 * The account with most room, or NULL; server, if given, is the only choice.  An
 * account without the images of the lease, if there is one yet, has none.
 */
RcsAccount *
rcs_choice_account(RcsLaneCampaign *c, const RcsLease *lease, const char *server, int *most,
				   RcsImageWait *image)
{
	int64 wait_us = 0;
	RcsAccount *best = NULL;
	ListCell *lc;

	*most = 0;
	image->reason[0] = '\0';
	if (server != NULL)
	{
		best = rcs_carrier_account(server);
		*most = rcs_choice_room(c, best, fill_slices(best), rcs_now_us(), &wait_us);
		return *most > 0 && has_images(lease, best, image) ? best : NULL;
	}
	foreach(lc, c->accounts)
	{
		RcsAccount *a = lfirst(lc);
		int room = rcs_choice_room(c, a, fill_slices(a), rcs_now_us(), &wait_us);

		if (room > 0 && (best == NULL || fill_of(a) < fill_of(best)) && has_images(lease, a, image))
		{
			best = a;
			*most = room;
		}
	}
	return best;
}

/* The accounts that cannot be used: a batch that must go through one of them stays in the queue. */
List *
rcs_choice_closed(RcsLaneCampaign *c)
{
	List *closed = NIL;
	ListCell *lc;

	foreach(lc, c->accounts)
	{
		RcsAccount *a = lfirst(lc);
		bool probe;
		int64 wait_us;

		if (!rcs_account_usable(a, rcs_now_us(), &probe, &wait_us))
			closed = lappend(closed, a->server);
	}
	return closed;
}
