/*
 * permit.c
 *		Permits of carrier accounts: a request is opened only with one.
 *
 * All workers of all databases share the contract rate of an account.  If its servers
 * disagree about the rate, the lowest one wins.  A server counts while a process that
 * sends for it holds its name.
 *
 * The members of an entry are guarded by its spinlock, around assignments only.
 * This file knows no SQL, no HTTP and no message.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"

#include "account/breaker.h"
#include "account/login.h"
#include "account/pace.h"
#include "account/permit.h"
#include "base/monotonic.h"

/* What this process holds, given back when it exits. */
typedef struct Held
{
	int active;
	bool waiting;
	uint32 logins; /* a bit for each place in logins[] */
} Held;

static Held held[RCS_MAX_ACCOUNTS];
static bool exit_hook_set = false;

/* ---------- the servers of an account ---------- */

/*
 * Takes the lowest rate and the lowest number of connections of the servers; mutex
 * held.  When the last process has gone, both stay, and so does what the carrier has
 * said about the pace.
 */
static void
apply_names(RcsAccountEntry *a, int64 now)
{
	int contract = 0;
	int connections = 0;

	for (int i = 0; i < RCS_MAX_LOGINS; i++)
	{
		RcsLogin *n = &a->logins[i];

		if (n->holders == 0)
			continue;
		if (n->rate_per_minute > 0 && (contract == 0 || n->rate_per_minute < contract))
			contract = n->rate_per_minute;
		if (connections == 0 || n->connections < connections)
			connections = n->connections;
	}
	if (connections == 0)
		return;
	a->connections = connections;
	if (contract != a->contract)
		rcs_account_set_contract(a, contract, now);
}

/* The place of a server of this database, or a free place, or NULL; mutex held. */
static RcsLogin *
find_name(RcsAccountEntry *a, Oid serverid)
{
	RcsLogin *free_place = NULL;

	for (int i = 0; i < RCS_MAX_LOGINS; i++)
	{
		RcsLogin *n = &a->logins[i];

		if (n->holders == 0)
			free_place = free_place == NULL ? n : free_place;
		else if (n->dboid == MyDatabaseId && n->serverid == serverid)
			return n;
	}
	return free_place;
}

/* Mutex held. */
static void
drop_name(RcsAccountEntry *a, int place)
{
	held[a - rcs_account_entries].logins &= ~(UINT32_C(1) << place);
	rcs_login_probe_over(&a->logins[place]);
	if (--a->logins[place].holders == 0)
		apply_names(a, rcs_now_us());
}

static void
give_back_all(int code, Datum arg)
{
	for (int i = 0; i < RCS_MAX_ACCOUNTS; i++)
	{
		RcsAccountEntry *a = &rcs_account_entries[i];

		if (held[i].active == 0 && !held[i].waiting && held[i].logins == 0)
			continue;
		SpinLockAcquire(&a->mutex);
		a->active -= held[i].active;
		a->singles_waiting -= held[i].waiting ? 1 : 0;
		for (int place = 0; place < RCS_MAX_LOGINS; place++)
			if ((held[i].logins & (UINT32_C(1) << place)) != 0)
				drop_name(a, place);
		SpinLockRelease(&a->mutex);
		held[i].active = 0;
		held[i].waiting = false;
	}
}

static void
set_exit_hook(void)
{
	if (!exit_hook_set)
	{
		before_shmem_exit(give_back_all, (Datum) 0);
		exit_hook_set = true;
	}
}

/* The place of the server; -1 when there is none left. */
static int
hold_name(RcsAccountEntry *a, Oid serverid, int rate_per_minute, int connections)
{
	Held *h = &held[a - rcs_account_entries];
	RcsLogin *n = find_name(a, serverid);
	uint32 bit;

	if (n == NULL)
		return -1;
	bit = UINT32_C(1) << (n - a->logins);
	if ((h->logins & bit) == 0)
	{
		if (n->holders == 0)
			memset(n, 0, sizeof(*n));
		n->dboid = MyDatabaseId;
		n->serverid = serverid;
		n->holders++;
		h->logins |= bit;
	}
	n->rate_per_minute = rate_per_minute;
	n->connections = connections;
	apply_names(a, rcs_now_us());
	return (int) (n - a->logins);
}

/*
 * This process sends for that server, until it says otherwise or exits.  Returns the
 * number of its login, or -1: there are too many.
 */
int
rcs_account_attach(int account, Oid serverid, int rate_per_minute, int connections)
{
	RcsAccountEntry *a = &rcs_account_entries[account];
	int login;

	set_exit_hook();
	SpinLockAcquire(&a->mutex);
	login = hold_name(a, serverid, rate_per_minute, connections);
	SpinLockRelease(&a->mutex);
	return login;
}

void
rcs_account_detach(int account, Oid serverid)
{
	RcsAccountEntry *a = &rcs_account_entries[account];
	RcsLogin *n;

	SpinLockAcquire(&a->mutex);
	n = find_name(a, serverid);
	if (n != NULL && n->holders > 0 &&
		(held[account].logins & (UINT32_C(1) << (n - a->logins))) != 0)
		drop_name(a, (int) (n - a->logins));
	SpinLockRelease(&a->mutex);
}

/* ---------- permits ---------- */

/* A campaign leaves some connections to single messages, which go first; mutex held. */
static RcsPermit
draw(RcsAccountEntry *a, RcsWorkerKind lane, int64 now, int64 *wait_us)
{
	int connections = a->connections;

	*wait_us = SECOND / 500;
	if (lane == RCS_WORKER_CAMPAIGN)
	{
		connections -= Max(1, connections / 10);
		if (a->connections == 1)
			connections = 1;
		if (a->singles_waiting > 0)
			return RCS_PERMIT_WAIT;
	}
	if (a->active >= connections)
		return RCS_PERMIT_WAIT;
	if (!rcs_account_take_token(a, lane, now, wait_us))
		return RCS_PERMIT_WAIT;
	return RCS_PERMIT_GRANTED;
}

RcsPermit
rcs_account_permit(int account, RcsWorkerKind lane, int64 now_us, int64 *wait_us)
{
	RcsAccountEntry *a = &rcs_account_entries[account];
	RcsPermit permit;
	bool probe;

	set_exit_hook();
	SpinLockAcquire(&a->mutex);
	if (!rcs_breaker_lets(&a->breaker, now_us, &probe, wait_us))
		permit = RCS_PERMIT_CLOSED;
	else
		permit = draw(a, lane, now_us, wait_us);
	if (permit == RCS_PERMIT_GRANTED)
	{
		a->active++;
		held[account].active++;
		if (probe)
			a->breaker.probe_until = now_us + RCS_PROBE_LIMIT;
	}
	SpinLockRelease(&a->mutex);
	return permit;
}

/* The request is over: its connection is free again. */
void
rcs_account_release(int account)
{
	RcsAccountEntry *a = &rcs_account_entries[account];

	SpinLockAcquire(&a->mutex);
	a->active--;
	SpinLockRelease(&a->mutex);
	held[account].active--;
}

/* The permit was not used: no byte was sent. */
void
rcs_account_give_back(int account, RcsWorkerKind lane)
{
	RcsAccountEntry *a = &rcs_account_entries[account];

	SpinLockAcquire(&a->mutex);
	rcs_account_untake_token(a, lane);
	a->breaker.probe_until = 0;
	SpinLockRelease(&a->mutex);
	rcs_account_release(account);
}

void
rcs_account_single_waits(int account, bool waits)
{
	RcsAccountEntry *a = &rcs_account_entries[account];

	if (held[account].waiting == waits)
		return;
	set_exit_hook();
	SpinLockAcquire(&a->mutex);
	a->singles_waiting += waits ? 1 : -1;
	SpinLockRelease(&a->mutex);
	held[account].waiting = waits;
}
