/*
 * stop.c
 *		What a worker does about a campaign that is not to go on as it was: it is
 *		paused, canceled or expired, or it has another text.
 *
 * known_campaigns.c brings the news.  Messages without an intent go back into the queue,
 * messages that wait for a permit are withdrawn, and both end when the campaign is over.
 * This file must not know HTTP and why a campaign was paused.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "delivery/fate.h"
#include "delivery/known_campaigns.h"
#include "delivery/lease.h"
#include "delivery/record.h"
#include "delivery/stop.h"

/* Why nothing more of this lease may be offered; NULL: it goes on. */
static const char *
stop_reason(const RcsLease *lease)
{
	const RcsCampaignRow *row = &lease->campaign->row;

	if (row->paused)
		return "campaign is paused";
	if (lease->rows[0].batch.version == 0 && lease->version != row->version)
		return "campaign has another text";
	return NULL;
}

static void
stop_lease(RcsLease *lease)
{
	if (lease->campaign == NULL || lease->next >= lease->nitems)
		return;
	if (rcs_campaign_is_over(lease->campaign, GetCurrentTimestamp()))
	{
		rcs_lease_drop_late(lease);
		lease->next = lease->nitems;
	}
	else if (stop_reason(lease) != NULL)
	{
		rcs_record_release(lease, 0, NULL);
		if (lease->next < lease->nitems)
			rcs_known_campaigns_look_soon(); /* somebody has the row locked */
	}
}

void
rcs_stop_turn(bool give_back)
{
	dlist_iter iter;

	dlist_foreach(iter, &rcs_delivery.leases)
	{
		RcsLease *lease = dlist_container(RcsLease, node, iter.cur);

		if (give_back)
			rcs_record_release(lease, 0, NULL);
		else
			stop_lease(lease);
	}
}

void
rcs_stop_ready(void)
{
	TimestampTz now = GetCurrentTimestamp();
	dlist_mutable_iter iter;

	if (rcs_delivery.lane != RCS_WORKER_CAMPAIGN || !rcs_known_campaigns_stopped(now))
		return;
	dlist_foreach_modify(iter, &rcs_delivery.ready)
	{
		RcsItem *item = dlist_container(RcsItem, node, iter.cur);
		const char *reason = stop_reason(item->lease);

		if (rcs_campaign_is_over(item->lease->campaign, now))
		{
			if (!rcs_fate_before_offer(item, now))
				rcs_item_done(item);
		}
		else if (reason != NULL)
			rcs_fate_withdraw(item, RCS_STOPPED, reason, 0);
	}
}

bool
rcs_stop_batch(RcsLaneCampaign *c)
{
	RcsLease *lease = rcs_lease_batch(c, NULL, NIL);

	if (lease == NULL)
		return false;
	if (rcs_holds_reason() != NULL)
		return true; /* the next turn hands it back */
	rcs_lease_drop_late(lease);
	lease->next = lease->nitems;
	return true;
}
