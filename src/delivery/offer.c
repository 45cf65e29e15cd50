/*
 * offer.c
 *		Permits and offers: what is ready leaves, waits, or is withdrawn.
 *
 * Holds, the campaign, the message's end and the account may have changed since the
 * intent was written, so they are looked at once more.  This file must not know SQL,
 * curl and what an answer means.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/monotonic.h"
#include "campaign/campaign_rate.h"
#include "delivery/consent.h"
#include "delivery/fate.h"
#include "delivery/known_campaigns.h"
#include "delivery/offer.h"
#include "delivery/stop.h"
#include "hold/hold_store.h"
#include "process/guc.h"

#define STOOD_STILL (3 * SECOND) /* a round takes a second at most */

/* ---------- a worker that stood still ---------- */

/* Both clocks: that of a virtual machine which is paused may stop with it. */
typedef struct Moment
{
	int64 now_us;
	TimestampTz at;
} Moment;

static Moment last_round; /* of offers */

static Moment
moment(void)
{
	Moment m = {rcs_now_us(), GetCurrentTimestamp()};

	return m;
}

static bool
long_since(const Moment *began, const Moment *now)
{
	return now->now_us - began->now_us > STOOD_STILL || now->at - began->at > STOOD_STILL;
}

/*
 * The worker or its machine was frozen since its intents were written: what they rely
 * on may be long over.  Not twice in a row, or a server whose commits take seconds
 * would send nothing.
 */
static void
withdraw_stale(void)
{
	static bool withdrawn = false;
	Moment now = moment();

	withdrawn = !withdrawn && last_round.now_us != 0 && rcs_delivery.nready > 0 &&
				long_since(&last_round, &now);
	if (withdrawn)
	{
		rcs_fate_withdraw_all("frozen", "the worker stood still after its intent", 0);
		rcs_holds_read_anew();
		rcs_known_campaigns_look_anew();
	}
	last_round = now;
}

/* ---------- offers ---------- */

static void
withdraw_closed(RcsItem *item, int64 wait_us)
{
	char reason[RCS_ACCOUNT_REASON];
	const char *hold = rcs_account_held(item->account);

	if (hold != NULL)
	{
		snprintf(reason, sizeof(reason), RCS_ON_HOLD "%s", hold);
		rcs_fate_withdraw_closed(item, "hold", reason, 1000);
		return;
	}
	rcs_account_reason(item->account->shared, item->account->login, reason);
	/* a second at most, since rcs_account_check() may open the account at any time */
	rcs_fate_withdraw_closed(item, "account", reason, Min(wait_us, SECOND) / 1000 + 1);
}

/* The campaign's own rate first: its token is given back when the account has none. */
static RcsPermit
draw_permit(RcsItem *item, int64 now_us, int64 *wait_us)
{
	RcsLaneCampaign *c = item->lease->campaign;
	bool own_rate = c != NULL && c->row.rate_per_minute > 0;
	RcsPermit permit;

	if (own_rate &&
		!rcs_campaign_permit(c->row.campaign_no, c->row.rate_per_minute, now_us, wait_us))
		return RCS_PERMIT_WAIT;
	item->shared = item->account->shared;
	permit = rcs_account_permit(item->shared, rcs_delivery.lane, now_us, wait_us);
	if (permit != RCS_PERMIT_GRANTED)
	{
		if (own_rate)
			rcs_campaign_give_back(c->row.campaign_no, c->row.rate_per_minute, now_us);
		else if (permit == RCS_PERMIT_WAIT)
			item->account->starved = true;
	}
	return permit;
}

static void
offer(RcsItem *item, int64 now_us)
{
	RcsHttpRequest *r = &item->request;
	RcsAnswer answer;

	memset(r, 0, sizeof(*r));
	r->url = item->account->message_url;
	r->ca_file = item->account->options->ca_file;
	r->bearer = item->account->token;
	r->body = item->body.data;
	r->body_len = item->body.len;
	r->timeout_ms = rcs_request_timeout;
	r->owner = item;
	item->started_us = now_us;
	item->token_serial = item->account->token_serial;
	rcs_token_used(item->account, now_us);
	if (rcs_http_start(r))
	{
		rcs_item_flying(item);
		return;
	}
	rcs_account_give_back(item->shared, rcs_delivery.lane);
	rcs_answer_classify(item->account, r, &answer);
	rcs_fate_of_answer(item, &answer);
	rcs_item_done(item);
}

/* Look at one ready item: offer it, withdraw it, or let it wait. */
static void
try_item(RcsItem *item, int64 now_us, int64 *wait_us)
{
	RcsAccount *a = item->account;
	bool probe;
	int64 wait = SECOND;

	if (a->shared < 0)
	{
		rcs_fate_withdraw_closed(item, "account", "the account cannot be used", 1000);
		return;
	}
	if (!rcs_fate_before_offer(item, GetCurrentTimestamp()))
	{
		rcs_item_done(item);
		return;
	}
	if (!rcs_account_usable(a, now_us, &probe, &wait))
	{
		withdraw_closed(item, wait);
		return;
	}
	if (!rcs_token_ready(a, now_us))
		return; /* the token's arrival wakes us */
	switch (draw_permit(item, now_us, &wait))
	{
		case RCS_PERMIT_GRANTED:
			offer(item, now_us);
			break;
		case RCS_PERMIT_WAIT:
			*wait_us = Min(*wait_us, wait);
			break;
		case RCS_PERMIT_CLOSED:
			withdraw_closed(item, wait);
			break;
	}
}

void
rcs_offer_ready(int64 now_us, int64 *wait_us)
{
	dlist_mutable_iter iter;
	const char *hold = rcs_holds_reason();
	int nstarved = 0; /* ready items whose account gives no permit now */

	withdraw_stale();
	if (hold != NULL)
		rcs_fate_withdraw_all("hold", hold, 0);
	rcs_stop_ready();
	if (rcs_delivery.nready == 0 || !rcs_holds_known() || !rcs_known_campaigns_current() ||
		!rcs_consent_known(now_us, wait_us))
	{
		rcs_carrier_forget_waits();
		return;
	}
	dlist_foreach_modify(iter, &rcs_delivery.ready)
	{
		RcsItem *item = dlist_container(RcsItem, node, iter.cur);
		RcsAccount *a = item->account;
		Moment now = moment();

		if (long_since(&last_round, &now))
		{
			*wait_us = 0; /* the next round withdraws the rest */
			break;
		}
		if (nstarved == rcs_delivery.nready ||
			rcs_delivery.nflying + rcs_logins_flying() >= rcs_max_in_flight)
			break;
		if (a->starved)
			continue;
		try_item(item, now.now_us, wait_us);
		if (a->starved)
			nstarved += a->ready;
	}
	rcs_carrier_forget_waits();
}
