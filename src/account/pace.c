/*
 * pace.c
 *		How fast an account may go, and what the carrier has said about that.
 *
 * Nobody exceeds the contract.  "Too fast" slows campaigns down for some seconds
 * (throttle.c); single messages do not wait for it, but campaigns make room for them.
 * This file must not know what a message is.
 */
#include "postgres.h"

#include "account/pace.h"
#include "base/monotonic.h"

#define SET_EVERY (SECOND / 20) /* the rate of campaigns, while it grows */
#define PROBES_A_MINUTE 600		/* singles, of an account that takes nothing at present */

/* ---------- the rate ---------- */

/* Mutex held. */
void
rcs_account_set_contract(RcsAccountEntry *a, int per_minute, int64 now)
{
	a->contract = per_minute;
	rcs_throttle_forget(&a->throttle);
	rcs_bucket_set_rate(&a->bucket, per_minute, now);
	rcs_bucket_set_rate(&a->campaigns, 0, now);
}

/* Messages a minute, 0 = no limit; mutex held. */
double
rcs_account_campaign_rate(RcsAccountEntry *a, int64 now)
{
	return Min(rcs_throttle_rate(&a->throttle, a->contract / 60.0, now) * 60.0, PG_INT32_MAX);
}

/* At present, in messages a minute; 0 = no limit. */
double
rcs_account_rate(int account, RcsWorkerKind lane)
{
	RcsAccountEntry *a = &rcs_account_entries[account];
	int64 now = rcs_now_us();
	double rate;

	SpinLockAcquire(&a->mutex);
	rate = lane == RCS_WORKER_CAMPAIGN ? rcs_account_campaign_rate(a, now) : a->contract;
	SpinLockRelease(&a->mutex);
	return rate;
}

/* ---------- tokens ---------- */

/* Mutex held. */
static void
set_campaigns(RcsAccountEntry *a, int64 now)
{
	double rate;

	if ((a->throttle.since == 0 && a->campaigns.per_us == 0) || now - a->campaigns_at < SET_EVERY)
		return;
	rate = rcs_account_campaign_rate(a, now);
	rcs_bucket_set_rate(&a->campaigns, a->throttle.since != 0 ? rate : 0, now);
	a->campaigns_at = now;
}

/* Mutex held. */
static bool
take_for_campaign(RcsAccountEntry *a, int64 now, int64 *wait_us)
{
	/* some are kept for single messages */
	double keep = a->bucket.capacity >= 2 ? a->bucket.capacity / 4 : 0;

	set_campaigns(a, now);
	if (rcs_throttle_waits(&a->throttle, now, wait_us) ||
		!rcs_bucket_take(&a->bucket, now, keep, wait_us))
		return false;
	/* a message that asks whether others may go needs no more than that */
	if (a->throttle.locked || rcs_bucket_take(&a->campaigns, now, 0, wait_us))
		return true;
	rcs_bucket_give_back(&a->bucket);
	return false;
}

/* Mutex held. */
static bool
take_for_single(RcsAccountEntry *a, int64 now, int64 *wait_us)
{
	if (!rcs_bucket_take(&a->bucket, now, 0, wait_us))
		return false;
	if (a->throttle.locked && !rcs_bucket_take(&a->probes, now, 0, wait_us))
	{
		rcs_bucket_give_back(&a->bucket);
		return false;
	}
	rcs_bucket_owe(&a->campaigns, now);
	return true;
}

/* Mutex held. */
bool
rcs_account_take_token(RcsAccountEntry *a, RcsWorkerKind lane, int64 now, int64 *wait_us)
{
	bool campaign = lane == RCS_WORKER_CAMPAIGN;

	if (campaign ? !take_for_campaign(a, now, wait_us) : !take_for_single(a, now, wait_us))
		return false;
	rcs_throttle_offered(&a->throttle, now, campaign);
	return true;
}

/* It was not used; mutex held. */
void
rcs_account_untake_token(RcsAccountEntry *a, RcsWorkerKind lane)
{
	rcs_bucket_give_back(&a->bucket);
	rcs_bucket_give_back(&a->campaigns);
	if (lane == RCS_WORKER_CAMPAIGN)
		a->throttle.probe_until = 0;
}

/* ---------- what the carrier says ---------- */

/* Mutex held. */
static void
count_second(RcsAccountEntry *a, int64 now)
{
	int64 second = now / SECOND;

	if (second - a->second > 60)
		a->second = second - 60;
	while (a->second < second)
		a->per_second[++a->second % 60] = 0;
	a->per_second[second % 60]++;
}

/* Messages accepted in the 60 seconds before now; mutex held. */
uint32
rcs_account_last_minute(const RcsAccountEntry *a, int64 now)
{
	uint32 sum = 0;
	int64 second = now / SECOND;

	for (int i = 0; i < 60; i++)
		if (second - a->second + i < 60)
			sum += a->per_second[(a->second - i + 60) % 60];
	return sum;
}

/* The carrier dealt with a message. */
void
rcs_account_passed(int account, int64 started_us, bool accepted)
{
	RcsAccountEntry *a = &rcs_account_entries[account];
	int64 now = rcs_now_us();
	bool locked;

	SpinLockAcquire(&a->mutex);
	locked = a->throttle.locked;
	rcs_throttle_passed(&a->throttle, started_us, now);
	if (locked != a->throttle.locked)
		a->campaigns_at = 0;
	if (accepted)
		count_second(a, now);
	SpinLockRelease(&a->mutex);
}

/* "Too fast"; retry_after_us: how long it wants to be left alone, 0 = it did not say. */
void
rcs_account_throttled(int account, int64 started_us, int64 retry_after_us)
{
	RcsAccountEntry *a = &rcs_account_entries[account];
	int64 now = rcs_now_us();
	bool locked;

	SpinLockAcquire(&a->mutex);
	a->throttled++;
	locked = a->throttle.locked;
	rcs_throttle_refused(&a->throttle, a->contract / 60.0, started_us, now, retry_after_us);
	if (a->throttle.locked && !locked)
	{
		rcs_bucket_set_rate(&a->probes, PROBES_A_MINUTE, now);
		a->campaigns_at = 0;
	}
	SpinLockRelease(&a->mutex);
}
