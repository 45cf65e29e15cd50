/*
 * breaker.c
 *		When an account is set aside.
 *
 * A fault of the account (refused, unreachable) closes it.  After a time one request
 * probes it; the time doubles with each fault, up to a minute.  Any answer about a
 * message opens the account again.  A message loses no attempt by any of this.
 *
 * Each login of an account has such a breaker too: login.c.  This file must not know
 * what a message is.
 */
#include "postgres.h"

#include "account/breaker.h"
#include "base/monotonic.h"

#define FAULTS_TO_CLOSE 8
#define FIRST_CLOSING SECOND
#define LONGEST_CLOSING (60 * SECOND)

/* ---------- any breaker; mutex held ---------- */

/* After a closing, exactly one request may probe. */
bool
rcs_breaker_lets(const RcsBreaker *b, int64 now, bool *probe, int64 *wait_us)
{
	*probe = false;
	if (b->closed_until == 0)
		return true;
	if (now < b->closed_until || now < b->probe_until)
	{
		*wait_us = now < b->closed_until ? b->closed_until - now : SECOND;
		return false;
	}
	*probe = true;
	return true;
}

/* True: it was closed. */
bool
rcs_breaker_open(RcsBreaker *b)
{
	bool was_closed = b->closed_until != 0;

	b->faults = 0;
	b->closed_until = 0;
	b->probe_until = 0;
	b->closing = 0;
	return was_closed;
}

/*
 * True: this fault closes it.  Only a request that was started after the closing
 * prolongs it: the faults of earlier ones are already counted by it.
 */
bool
rcs_breaker_fault(RcsBreaker *b, int64 started_us, int64 now, bool hard, const char *reason)
{
	bool was_open = b->closed_until == 0;
	bool closes;

	if (b->closed_at != 0 && started_us <= b->closed_at)
		return false;
	b->faults++;
	closes = hard || b->faults >= FAULTS_TO_CLOSE || !was_open;
	if (closes)
	{
		b->closed_at = now;
		b->closing = b->closing == 0 ? FIRST_CLOSING : Min(b->closing * 2, LONGEST_CLOSING);
		b->closed_until = now + b->closing;
	}
	strlcpy(b->reason, reason, sizeof(b->reason));
	b->probe_until = 0;
	return closes && was_open;
}

/* It may be probed at once. */
void
rcs_breaker_try_now(RcsBreaker *b, int64 now)
{
	b->closed_until = Min(b->closed_until, now);
	b->probe_until = 0;
}

/* ---------- the breaker of an account ---------- */

/* True: a worker may write intents for the account, with "probe" for one message only. */
bool
rcs_account_open(int account, int64 now_us, bool *probe, int64 *wait_us)
{
	RcsAccountEntry *a = &rcs_account_entries[account];
	bool open;

	SpinLockAcquire(&a->mutex);
	open = rcs_breaker_lets(&a->breaker, now_us, probe, wait_us);
	SpinLockRelease(&a->mutex);
	return open;
}

/* Called once for each closing, not once for each message. */
static void
log_open(const RcsAccountEntry *a)
{
	ereport(LOG, (errmsg("carrier account \"%s\" is open again", a->name)));
}

/* The carrier answered about a message: the account works. */
void
rcs_account_answered(int account)
{
	RcsAccountEntry *a = &rcs_account_entries[account];
	bool was_closed;

	SpinLockAcquire(&a->mutex);
	was_closed = rcs_breaker_open(&a->breaker);
	SpinLockRelease(&a->mutex);
	if (was_closed)
		log_open(a);
}

/* The answer says nothing about the account: another request may probe it. */
void
rcs_account_probe_over(int account)
{
	RcsAccountEntry *a = &rcs_account_entries[account];

	SpinLockAcquire(&a->mutex);
	a->breaker.probe_until = 0;
	SpinLockRelease(&a->mutex);
}

/* The account is at fault, not a message. */
void
rcs_account_faulted(int account, int64 started_us, bool hard, const char *reason)
{
	RcsAccountEntry *a = &rcs_account_entries[account];
	int64 now = rcs_now_us();
	bool closes;

	SpinLockAcquire(&a->mutex);
	closes = rcs_breaker_fault(&a->breaker, started_us, now, hard, reason);
	SpinLockRelease(&a->mutex);
	if (closes)
		ereport(WARNING,
				(errcode(ERRCODE_CONNECTION_FAILURE),
				 errmsg("carrier account \"%s\" is set aside: %s", a->name, reason),
				 errhint("It is tried again by itself; rcs_account_check() tries it at once.")));
}

/* The options were changed: a closed account may be probed at once, and the next closing is short again. */
void
rcs_account_try_now(int account)
{
	RcsAccountEntry *a = &rcs_account_entries[account];
	int64 now = rcs_now_us();

	SpinLockAcquire(&a->mutex);
	rcs_breaker_try_now(&a->breaker, now);
	a->breaker.closing = 0;
	SpinLockRelease(&a->mutex);
}

/* Somebody has asked for a login, and it has worked: an account that was set aside is open again. */
void
rcs_account_reopen(int account)
{
	RcsAccountEntry *a = &rcs_account_entries[account];
	bool was_closed;

	SpinLockAcquire(&a->mutex);
	was_closed = rcs_breaker_open(&a->breaker);
	a->breaker.reason[0] = '\0';
	SpinLockRelease(&a->mutex);
	if (was_closed)
		log_open(a);
}

/* Our clock is ahead of the carrier's by this much. */
void
rcs_account_clock(int account, int64 ahead_us)
{
	RcsAccountEntry *a = &rcs_account_entries[account];

	SpinLockAcquire(&a->mutex);
	a->clock_known = true;
	a->clock_ahead_us = ahead_us;
	SpinLockRelease(&a->mutex);
}
