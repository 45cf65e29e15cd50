/*
 * breaker.c
 *		When an account is set aside.
 *
 * A fault of the account (refused, unreachable, login) closes it.  After a time one
 * request probes it; the time doubles with each fault, up to a minute.  Any answer
 * about a message opens the account again.  A message loses no attempt by any of this.
 *
 * This file must not know what a message is.
 */
#include "postgres.h"

#include "account/breaker.h"
#include "base/monotonic.h"

#define FAULTS_TO_CLOSE 8
#define FIRST_CLOSING SECOND
#define LONGEST_CLOSING (60 * SECOND)

/* After a closing, exactly one request may probe the account; mutex held. */
bool
rcs_account_is_open(RcsAccountEntry *a, int64 now, bool *probe, int64 *wait_us)
{
	*probe = false;
	if (a->closed_until == 0)
		return true;
	if (now < a->closed_until || now < a->probe_until)
	{
		*wait_us = now < a->closed_until ? a->closed_until - now : SECOND;
		return false;
	}
	*probe = true;
	return true;
}

/* True: a worker may write intents for the account, with "probe" for one message only. */
bool
rcs_account_open(int account, int64 now_us, bool *probe, int64 *wait_us)
{
	RcsAccountEntry *a = &rcs_account_entries[account];
	bool open;

	SpinLockAcquire(&a->mutex);
	open = rcs_account_is_open(a, now_us, probe, wait_us);
	SpinLockRelease(&a->mutex);
	return open;
}

void
rcs_account_reason(int account, char reason[RCS_ACCOUNT_REASON])
{
	RcsAccountEntry *a = &rcs_account_entries[account];

	SpinLockAcquire(&a->mutex);
	memcpy(reason, a->reason, RCS_ACCOUNT_REASON);
	SpinLockRelease(&a->mutex);
}

/* Called once for each closing, not once for each message. */
static void
log_open(const RcsAccountEntry *a)
{
	ereport(LOG, (errmsg("carrier account \"%s\" is open again", a->name)));
}

/* Mutex held. */
static void
open_again(RcsAccountEntry *a)
{
	a->faults = 0;
	a->closed_until = 0;
	a->probe_until = 0;
	a->closing = 0;
}

/* The carrier answered about a message: the account works. */
void
rcs_account_answered(int account)
{
	RcsAccountEntry *a = &rcs_account_entries[account];
	bool was_closed;

	SpinLockAcquire(&a->mutex);
	was_closed = a->closed_until != 0;
	open_again(a);
	SpinLockRelease(&a->mutex);
	if (was_closed)
		log_open(a);
}

/*
 * The account is at fault, not a message.  Only a request that was started after the
 * closing prolongs it: the faults of earlier ones are already counted by it.
 */
void
rcs_account_faulted(int account, int64 started_us, bool hard, const char *reason)
{
	RcsAccountEntry *a = &rcs_account_entries[account];
	int64 now = rcs_now_us();
	bool closes = false;

	SpinLockAcquire(&a->mutex);
	if (a->closed_at == 0 || started_us > a->closed_at)
	{
		a->faults++;
		closes = a->closed_until == 0 && (hard || a->faults >= FAULTS_TO_CLOSE);
		if (hard || a->faults >= FAULTS_TO_CLOSE || a->closed_until != 0)
		{
			a->closed_at = now;
			a->closing = a->closing == 0 ? FIRST_CLOSING : Min(a->closing * 2, LONGEST_CLOSING);
			a->closed_until = now + a->closing;
		}
		strlcpy(a->reason, reason, sizeof(a->reason));
		a->probe_until = 0;
	}
	SpinLockRelease(&a->mutex);
	if (closes)
		ereport(WARNING,
				(errcode(ERRCODE_CONNECTION_FAILURE),
				 errmsg("carrier account \"%s\" is set aside: %s", a->name, reason),
				 errhint("It is tried again by itself; rcs_account_check() tries it at once.")));
}

/* The login was changed: a closed account may be probed at once, and the next closing is short again. */
void
rcs_account_try_now(int account)
{
	RcsAccountEntry *a = &rcs_account_entries[account];
	int64 now = rcs_now_us();

	SpinLockAcquire(&a->mutex);
	a->closed_until = Min(a->closed_until, now);
	a->probe_until = 0;
	a->closing = 0;
	SpinLockRelease(&a->mutex);
}

void
rcs_account_token(int account, TimestampTz expires_at)
{
	RcsAccountEntry *a = &rcs_account_entries[account];

	SpinLockAcquire(&a->mutex);
	a->token_expires_at = expires_at;
	SpinLockRelease(&a->mutex);
}

/* A login has worked: an account that was set aside is open again. */
void
rcs_account_reopen(int account)
{
	RcsAccountEntry *a = &rcs_account_entries[account];
	bool was_closed;

	SpinLockAcquire(&a->mutex);
	was_closed = a->closed_until != 0;
	open_again(a);
	a->reason[0] = '\0';
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
