/*
 * login.c
 *		When the login of one server of one database is set aside.
 *
 * Several databases may send for one account.  What is wrong with the login of one of
 * them concerns no other; what is wrong with the account concerns all: breaker.c.
 *
 * A login is closed by a login that fails, or by a token that was granted and then
 * refused although it had never worked.  In the first case the next login that works
 * opens it.  In the second a granted token proves nothing: it permits one request as a
 * probe, and only an answer to a request with a newer token opens the login.
 *
 * A worker whose token has worked goes on with it, whatever happens to others.  This
 * file must not know a token.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "account/breaker.h"
#include "account/login.h"
#include "base/monotonic.h"

#define FETCHED_LIMIT (2 * SECOND) /* between a token and the message that tries it */

/* Mutex held. */
static bool
lets(const RcsLogin *l, RcsTokenState token, int64 now, bool *probe, int64 *wait_us)
{
	const RcsBreaker *b = &l->breaker;

	*probe = false;
	if (token == RCS_TOKEN_UNTRIED && !l->refused)
		return true;
	if (b->closed_until != 0 && now < b->probe_until && l->prober == MyProcPid && !l->probe_out)
	{
		*probe = true;
		return true;
	}
	return rcs_breaker_lets(b, now, probe, wait_us);
}

/* True: a worker with such a token may write intents, with "probe" for one message only. */
bool
rcs_login_open(int account, int login, RcsTokenState token, int64 now_us, bool *probe,
			   int64 *wait_us)
{
	RcsAccountEntry *a = &rcs_account_entries[account];
	bool open;

	*probe = false;
	if (token == RCS_TOKEN_WORKS)
		return true;
	SpinLockAcquire(&a->mutex);
	open = lets(&a->logins[login], token, now_us, probe, wait_us);
	SpinLockRelease(&a->mutex);
	return open;
}

/* The same, and if it is a probe, then this process makes it. */
bool
rcs_login_seize(int account, int login, RcsTokenState token, int64 now_us)
{
	RcsAccountEntry *a = &rcs_account_entries[account];
	RcsLogin *l = &a->logins[login];
	bool probe;
	int64 wait_us;
	bool mine;

	if (token == RCS_TOKEN_WORKS)
		return true;
	SpinLockAcquire(&a->mutex);
	mine = lets(l, token, now_us, &probe, &wait_us);
	if (mine && probe)
	{
		l->prober = MyProcPid;
		l->probe_out = false;
		l->breaker.probe_until =
			now_us + (token == RCS_TOKEN_NONE ? RCS_PROBE_LIMIT : FETCHED_LIMIT);
	}
	SpinLockRelease(&a->mutex);
	return mine;
}

/* A request leaves with a token that has not worked yet: if this process probes, no other follows. */
void
rcs_login_used(int account, int login, int64 now_us)
{
	RcsAccountEntry *a = &rcs_account_entries[account];
	RcsLogin *l = &a->logins[login];

	SpinLockAcquire(&a->mutex);
	if (l->prober == MyProcPid && now_us < l->breaker.probe_until)
	{
		l->probe_out = true;
		l->breaker.probe_until = now_us + RCS_PROBE_LIMIT;
	}
	SpinLockRelease(&a->mutex);
}

/* The probe of this process has ended; mutex held. */
void
rcs_login_probe_over(RcsLogin *l)
{
	if (l->prober != MyProcPid)
		return;
	l->prober = 0;
	l->probe_out = false;
	l->breaker.probe_until = 0;
}

/* The answer says nothing about the login. */
void
rcs_login_unproven(int account, int login)
{
	RcsAccountEntry *a = &rcs_account_entries[account];

	SpinLockAcquire(&a->mutex);
	rcs_login_probe_over(&a->logins[login]);
	SpinLockRelease(&a->mutex);
}

/* ---------- what the carrier says ---------- */

/* No token was granted.  True: this closes the login. */
bool
rcs_login_failed(int account, int login, int64 started_us, const char *reason)
{
	RcsAccountEntry *a = &rcs_account_entries[account];
	RcsLogin *l = &a->logins[login];
	int64 now = rcs_now_us();
	bool closes;

	SpinLockAcquire(&a->mutex);
	closes = rcs_breaker_fault(&l->breaker, started_us, now, true, reason);
	rcs_login_probe_over(l);
	SpinLockRelease(&a->mutex);
	return closes;
}

/* A token that was asked for then was granted, and refused before it ever worked.  True: this closes the login. */
bool
rcs_login_refused(int account, int login, int64 fetched_us, const char *reason)
{
	RcsAccountEntry *a = &rcs_account_entries[account];
	RcsLogin *l = &a->logins[login];
	int64 now = rcs_now_us();
	bool closes;

	SpinLockAcquire(&a->mutex);
	closes = rcs_breaker_fault(&l->breaker, fetched_us, now, true, reason);
	l->refused = l->breaker.closed_until != 0;
	rcs_login_probe_over(l);
	SpinLockRelease(&a->mutex);
	return closes;
}

/* No token was granted, but an earlier one is still good. */
void
rcs_login_not_renewed(int account, int login, const char *reason)
{
	RcsAccountEntry *a = &rcs_account_entries[account];
	RcsLogin *l = &a->logins[login];

	SpinLockAcquire(&a->mutex);
	if (l->breaker.closed_until == 0)
		strlcpy(l->breaker.reason, reason, sizeof(l->breaker.reason));
	rcs_login_probe_over(l);
	SpinLockRelease(&a->mutex);
}

/* A token was granted.  True: this opens the login. */
bool
rcs_login_granted(int account, int login, TimestampTz expires_at, int64 now_us)
{
	RcsAccountEntry *a = &rcs_account_entries[account];
	RcsLogin *l = &a->logins[login];
	bool was_closed = false;

	SpinLockAcquire(&a->mutex);
	l->token_expires_at = expires_at;
	if (!l->refused)
	{
		was_closed = rcs_breaker_open(&l->breaker);
		l->breaker.reason[0] = '\0';
	}
	else if (l->prober == MyProcPid)
		l->breaker.probe_until = now_us + FETCHED_LIMIT;
	if (a->breaker.closed_until == 0)
		a->breaker.reason[0] = '\0';
	SpinLockRelease(&a->mutex);
	return was_closed;
}

/* The carrier has answered to a request with a token that was asked for then.  True: this opens the login. */
bool
rcs_login_worked(int account, int login, int64 fetched_us)
{
	RcsAccountEntry *a = &rcs_account_entries[account];
	RcsLogin *l = &a->logins[login];
	bool was_closed = false;

	SpinLockAcquire(&a->mutex);
	rcs_login_probe_over(l);
	if (l->refused && fetched_us > l->breaker.closed_at)
	{
		l->refused = false;
		was_closed = rcs_breaker_open(&l->breaker);
		l->breaker.reason[0] = '\0';
	}
	SpinLockRelease(&a->mutex);
	return was_closed;
}

/* Somebody wants it tried at once; if the login was changed, nothing of the former one counts. */
void
rcs_login_try_now(int account, int login, bool changed)
{
	RcsAccountEntry *a = &rcs_account_entries[account];
	RcsBreaker *b = &a->logins[login].breaker;
	int64 now = rcs_now_us();

	SpinLockAcquire(&a->mutex);
	rcs_breaker_try_now(b, now);
	if (changed)
	{
		b->closing = 0;
		a->logins[login].refused = false;
	}
	SpinLockRelease(&a->mutex);
}

/* ---------- seen by others ---------- */

/* Why nothing leaves through it: the account's reason, or that of the login. */
void
rcs_account_reason(int account, int login, char reason[RCS_ACCOUNT_REASON])
{
	RcsAccountEntry *a = &rcs_account_entries[account];
	const RcsBreaker *b = &a->breaker;

	SpinLockAcquire(&a->mutex);
	if (b->closed_until == 0 && login >= 0)
		b = &a->logins[login].breaker;
	memcpy(reason, b->reason, RCS_ACCOUNT_REASON);
	SpinLockRelease(&a->mutex);
}

/* The login of a server of this database that somebody sends for, or NULL; mutex held. */
const RcsLogin *
rcs_login_find(const RcsAccountEntry *a, Oid serverid)
{
	for (int i = 0; i < RCS_MAX_LOGINS; i++)
	{
		const RcsLogin *l = &a->logins[i];

		if (l->holders > 0 && l->dboid == MyDatabaseId && l->serverid == serverid)
			return l;
	}
	return NULL;
}
