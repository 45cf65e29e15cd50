/*
 * rate_limit.c
 *		Token buckets that no second of any position can overrun.
 *
 * In any window of one second a bucket lets at most capacity + rate tokens
 * through.  With a capacity of 2 % of a second (and at least one token) that
 * stays within 1.02 x rate, rounded up: the promise of the product.  A bucket
 * starts empty, so that a restart is no burst.  It knows no shared memory, no
 * lock and no account: the caller holds whatever lock guards the bucket.
 */
#include "postgres.h"

#include <math.h>

#include "base/rate_limit.h"

#define BURST_SECONDS 0.02

static void
refill(RcsBucket *b, int64 now_us)
{
	if (now_us > b->updated_us)
	{
		b->tokens += (double) (now_us - b->updated_us) * b->per_us;
		if (b->tokens > b->capacity)
			b->tokens = b->capacity;
		b->updated_us = now_us;
	}
}

/* Changing a rate keeps the tokens there are, so that flapping gains nothing. */
void
rcs_bucket_set_rate(RcsBucket *b, double per_minute, int64 now_us)
{
	double per_second = per_minute / 60.0;

	refill(b, now_us);
	b->per_us = per_second / 1000000.0;
	b->capacity = Max(1.0, ceil((1.0 + BURST_SECONDS) * per_second) + 0.95 - per_second);
	b->tokens = Min(b->tokens, b->capacity);
	b->updated_us = now_us;
}

/*
 * Take one token if more than "keep" would be left for others.  Otherwise
 * tell how long to wait until that may be so.
 */
bool
rcs_bucket_take(RcsBucket *b, int64 now_us, double keep, int64 *wait_us)
{
	double needed;

	if (b->per_us <= 0)
		return true;
	refill(b, now_us);
	needed = Min(1.0 + keep, b->capacity);
	if (b->tokens >= needed)
	{
		b->tokens -= 1.0;
		return true;
	}
	*wait_us = (int64) ((needed - b->tokens) / b->per_us) + 1;
	return false;
}

void
rcs_bucket_give_back(RcsBucket *b)
{
	if (b->per_us > 0)
		b->tokens = Min(b->tokens + 1.0, b->capacity);
}

/* A token that is taken though none may be there; the debt is a second's worth at most. */
void
rcs_bucket_owe(RcsBucket *b, int64 now_us)
{
	if (b->per_us <= 0)
		return;
	refill(b, now_us);
	b->tokens = Max(b->tokens - 1.0, -b->per_us * 1000000.0);
}
