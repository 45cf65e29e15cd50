/*
 * pace.c
 *		How fast an account may go, and what the carrier has said about that.
 *
 * "Too fast" pauses the account and lowers its rate, which then recovers slowly.
 * This file must not know what a message is.
 */
#include "postgres.h"

#include "account/pace.h"
#include "base/monotonic.h"

#define THROTTLE_PAUSE (SECOND / 2)
#define THROTTLE_FACTOR 0.85
#define RECOVERY_STEP (5 * SECOND)
#define RECOVERY_FACTOR 1.05

/* The rate goes back to the contract rate in small steps; mutex held. */
void
rcs_account_recover_rate(RcsAccountEntry *a, int64 now)
{
	if (a->rate <= 0 || a->lowered_at == 0 || now - a->raised_at < RECOVERY_STEP)
		return;
	a->raised_at = now;
	a->rate *= RECOVERY_FACTOR;
	if (a->contract > 0 && a->rate >= a->contract)
	{
		a->rate = a->contract;
		a->lowered_at = 0;
	}
	rcs_bucket_set_rate(&a->bucket, a->rate, now);
}

/* The rate at present, in messages a minute; 0 = no limit. */
double
rcs_account_rate(int account)
{
	RcsAccountEntry *a = &rcs_account_entries[account];
	double rate;

	SpinLockAcquire(&a->mutex);
	rate = a->rate;
	SpinLockRelease(&a->mutex);
	return rate;
}

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

/* Messages a minute, by the busiest of the last ten seconds; mutex held. */
static double
busiest_rate(const RcsAccountEntry *a, int64 now)
{
	int64 second = now / SECOND;
	uint32 most = 0;

	for (int i = 0; i < 10; i++)
		if (second - a->second + i < 10)
			most = Max(most, a->per_second[(a->second - i + 60) % 60]);
	return most * 60.0;
}

/* The carrier took a message. */
void
rcs_account_accepted(int account)
{
	RcsAccountEntry *a = &rcs_account_entries[account];

	SpinLockAcquire(&a->mutex);
	count_second(a, rcs_now_us());
	SpinLockRelease(&a->mutex);
}

/* "Too fast": the whole account pauses and its rate is lowered, at most once a second. */
void
rcs_account_throttled(int account, int64 started_us)
{
	RcsAccountEntry *a = &rcs_account_entries[account];
	int64 now = rcs_now_us();

	SpinLockAcquire(&a->mutex);
	a->throttled++;
	if (started_us > a->lowered_at && now - a->lowered_at >= SECOND)
	{
		double present = a->rate > 0 ? a->rate : Max(busiest_rate(a, now), 60.0);
		double least = Max(60.0, a->contract / 10.0);

		a->lowered_at = now;
		a->raised_at = now;
		a->paused_until = now + THROTTLE_PAUSE;
		a->rate = Max(present * THROTTLE_FACTOR, Min(least, present));
		rcs_bucket_set_rate(&a->bucket, a->rate, now);
	}
	SpinLockRelease(&a->mutex);
}
