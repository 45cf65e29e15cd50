/*
 * throttle.c
 *		How fast campaigns may go after "too fast".
 *
 * The rate is a function of time, so an idle account recovers as a busy one: fast
 * to just below what was refused, there for a while, then doubled each 0.8 s.  It
 * knows no shared memory, no lock and no account: the caller holds the lock.
 */
#include "postgres.h"

#include <math.h>

#include "account/throttle.h"
#include "base/monotonic.h"

#define TENTH (SECOND / 10)
#define FIRST_PAUSE (SECOND / 4)
#define LONGEST_PAUSE SECOND
#define PROBE_LIMIT SECOND
#define FIRST_PLATEAU (3 * SECOND)
#define LONGEST_PLATEAU (12 * SECOND)
#define FORGOTTEN_AFTER (25 * SECOND) /* without a contract, or when nobody asked */
#define DOUBLES_EACH (0.8 * SECOND)
#define MOST_DOUBLINGS 10.0
#define FROM_A_FAULT 0.5
#define FROM_A_PROBE 0.85 /* of ours, that met the limit as expected */

/* ---------- the last second ---------- */

static void
move_on(RcsThrottle *t, int64 now)
{
	int64 tenth = now / TENTH;
	int64 passed = tenth - t->tenth;

	for (int64 i = 1; i <= Min(passed, RCS_THROTTLE_TENTHS); i++)
	{
		int place = (t->tenth + i) % RCS_THROTTLE_TENTHS;

		t->offers[place] = 0;
		t->passed[place] = 0;
	}
	if (passed > 0)
		t->tenth = tenth;
}

static void
count(uint16 *tenths, int64 tenth)
{
	uint16 *place = &tenths[tenth % RCS_THROTTLE_TENTHS];

	if (*place < PG_UINT16_MAX)
		(*place)++;
}

static int
sum(const uint16 *tenths)
{
	int n = 0;

	for (int i = 0; i < RCS_THROTTLE_TENTHS; i++)
		n += tenths[i];
	return n;
}

/* ---------- the rate ---------- */

static double
curve(const RcsThrottle *t, int64 now)
{
	double x = Max(now - t->since, 0);
	double rest;

	if (x >= t->plateau)
		return t->at * pow(2.0, Min((x - t->plateau) / DOUBLES_EACH, MOST_DOUBLINGS));
	rest = 1.0 - x / t->plateau;
	return t->at * (1.0 - (1.0 - t->from) * rest * rest * rest);
}

void
rcs_throttle_forget(RcsThrottle *t)
{
	t->since = 0;
	t->locked = false;
	t->told = false;
	t->paused_until = 0;
	t->probe_until = 0;
}

double
rcs_throttle_rate(RcsThrottle *t, double contract, int64 now)
{
	bool late = now - Max(t->since, t->paused_until) >= FORGOTTEN_AFTER;
	double rate;

	if (t->since == 0)
		return contract;
	rate = curve(t, now);
	if (late || (!t->locked && now >= t->paused_until && contract > 0 && rate >= contract))
	{
		rcs_throttle_forget(t);
		return contract;
	}
	return contract > 0 ? Min(rate, contract) : rate;
}

/* Campaigns only: whether they wait for the end of a pause or of a probe. */
bool
rcs_throttle_waits(const RcsThrottle *t, int64 now, int64 *wait_us)
{
	int64 until = t->locked ? Max(t->paused_until, t->probe_until) : t->paused_until;

	if (now >= until)
		return false;
	*wait_us = until - now;
	return true;
}

/* ---------- what happens ---------- */

void
rcs_throttle_offered(RcsThrottle *t, int64 now, bool campaign)
{
	move_on(t, now);
	count(t->offers, t->tenth);
	if (campaign && t->locked)
		t->probe_until = now + PROBE_LIMIT;
}

static void
pause_for(RcsThrottle *t, int64 now, int64 pause, int64 retry_after)
{
	t->told = retry_after > pause || (t->told && now < t->paused_until);
	t->paused_until = Max(t->paused_until, now + Max(pause, retry_after));
}

/* Of a trickle the speed was not the reason, unless it was lowered to a trickle. */
static double
trickle(const RcsThrottle *t, double contract)
{
	double most = Max(10.0, contract / 10.0);

	return t->since == 0 ? most : Min(most, t->at / 2.0 + 1.0);
}

/* The rate that is too high by what was refused.  A carrier that takes nothing says little about speed. */
static double
too_high(const RcsThrottle *t, double contract, double offered, bool probed)
{
	double took = sum(t->passed);

	if (took >= trickle(t, contract))
		return took;
	if (t->since == 0)
		return contract > 0 ? contract : offered;
	return Max(Max(took, 1.0), probed ? t->at : t->at / 2.0);
}

/* Who has lost little asks seldom: a carrier with a lock-out would be locked half of the time. */
static void
lower(RcsThrottle *t, double contract, double offered, int64 now)
{
	bool probed = t->since != 0 && now - t->since >= t->plateau;
	double at = too_high(t, contract, offered, probed);

	if (t->since == 0)
		t->top = at;
	if (probed && at >= (contract > 0 ? contract : t->top) / 2)
		t->plateau = Min(t->plateau * 2, LONGEST_PLATEAU);
	else if (probed || t->since == 0)
		t->plateau = FIRST_PLATEAU;
	t->from = probed ? FROM_A_PROBE : FROM_A_FAULT;
	t->at = at;
	t->since = now;
	t->locked = true;
	t->pause = FIRST_PAUSE;
	t->probe_until = 0;
}

void
rcs_throttle_refused(RcsThrottle *t, double contract, int64 started, int64 now, int64 retry_after)
{
	int offered;

	move_on(t, now);
	rcs_throttle_rate(t, contract, now); /* a lowering may be over by now */
	if (started <= t->since)
		return;
	if (t->locked)
	{
		t->since = now;
		t->pause = Min(t->pause * 2, LONGEST_PAUSE);
		t->probe_until = 0;
		pause_for(t, now, t->pause, retry_after);
		return;
	}
	offered = sum(t->offers);
	if (offered >= trickle(t, contract))
		lower(t, contract, offered, now);
	pause_for(t, now, FIRST_PAUSE, retry_after);
}

/* The carrier dealt with a message: it was not too fast. */
void
rcs_throttle_passed(RcsThrottle *t, int64 started, int64 now)
{
	move_on(t, now);
	count(t->passed, t->tenth);
	if (!t->locked || started <= t->since)
		return;
	t->locked = false;
	t->since = now;
	t->probe_until = 0;
	if (!t->told)
		t->paused_until = now;
}
