/*
 * stop.c
 *		What a worker does about a campaign that is not to go on as it was:
 *		paused, canceled, expired, with another text, or with many failures.
 *
 * The look at the queue (campaign_lane.c) brings the news.  What has no
 * intent goes back into the queue, what has one and no permit is withdrawn; of a
 * campaign that is over both end here.  It knows no HTTP.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/timestamp.h"

#include "campaign/verdict.h"
#include "delivery/state.h"
#include "process/guc.h"
#include "process/wakeup.h"

/* Nothing of it is to be offered any more, ever. */
bool
rcs_campaign_is_over(const RcsLaneCampaign *c, TimestampTz now)
{
	return c->row.canceled || (c->row.expires_at != 0 && c->row.expires_at <= now);
}

/* Why nothing more of this lease is to be offered as it stands; NULL: it goes on. */
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

/* In a turn: what has no intent yet. */
void
rcs_stop_lease(RcsLease *lease)
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
			rcs_campaigns_look_soon(); /* somebody has the row locked */
	}
}

/* Between turns: what has an intent and no permit. */
void
rcs_stop_ready(void)
{
	TimestampTz now = GetCurrentTimestamp();
	dlist_mutable_iter iter;

	if (rcs_delivery.lane != RCS_WORKER_CAMPAIGN || !rcs_campaigns_stopped(now))
		return;
	dlist_foreach_modify(iter, &rcs_delivery.ready)
	{
		RcsItem *item = dlist_container(RcsItem, node, iter.cur);
		const char *reason = stop_reason(item->lease);

		if (rcs_campaign_is_over(item->lease->campaign, now))
		{
			if (!rcs_fate_before_offer(item, now))
				rcs_offer_drop(item);
		}
		else if (reason != NULL)
			rcs_offer_withdraw(item, RCS_STOPPED, reason, 0);
	}
}

/* In a turn: one batch of a campaign that is over, ended without an account.  False: there is none. */
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

/* ---------- too many failures ---------- */

/* The carrier's verdict on an offer.  Failures of our own making say nothing about the campaign. */
void
rcs_stop_note(const RcsItem *item)
{
	RcsLaneCampaign *c = item->lease->campaign;
	char outcome = item->fate.outcome;
	int failed;
	int answered;

	if (c == NULL || rcs_pause_failed_percent == 0 ||
		(outcome != RCS_ACCEPTED && outcome != RCS_FAILED))
		return;
	if (!rcs_campaign_verdict(c->row.campaign_no, c->row.resumed_at, outcome == RCS_FAILED,
							  rcs_pause_failed_percent, rcs_pause_failed_min, &failed, &answered))
		return;
	c->nfailed = failed;
	c->nanswered = answered;
}

/* In a turn: pause it, if so.  Whoever is steering it at the moment is not waited for. */
void
rcs_stop_failing(RcsLaneCampaign *c)
{
	char reason[128];

	if (c->nfailed == 0 || c->row.paused || c->over)
		return;
	snprintf(reason, sizeof(reason), "%d of its latest %d messages have failed", c->nfailed,
			 c->nanswered);
	c->nfailed = 0;
	if (!rcs_outbox_pause(c->row.campaign_no, c->row.resumed_at, reason))
		return;
	rcs_wakeup_steered();
	ereport(LOG, (errmsg("rcs has paused campaign " INT64_FORMAT " of database %u: %s",
						 c->row.campaign_no, MyDatabaseId, reason)));
}
