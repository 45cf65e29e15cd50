/*
 * gate.c
 *		Says if messages may leave through an account, and how many at a time.
 *
 * An account is open when it can be used, is not on hold, and neither it nor the login
 * of this database is set aside.
 * This file must not know what waits for the account.
 */
#include "postgres.h"

#include "base/monotonic.h"
#include "carrier/carrier.h"

bool
rcs_account_usable(RcsAccount *a, int64 now_us, bool *probe, int64 *wait_us)
{
	bool account_probe;
	bool login_probe;

	*probe = false;
	*wait_us = SECOND;
	if (a->shared < 0 || rcs_account_held(a) != NULL ||
		!rcs_account_open(a->shared, now_us, &account_probe, wait_us) ||
		!rcs_login_open(a->shared, a->login, rcs_token_state(a, now_us), now_us, &login_probe,
						wait_us))
		return false;
	*probe = account_probe || login_probe;
	return true;
}

/* The number of intents that share a commit: as many messages as can leave in a quarter second. */
int
rcs_account_slice(const RcsAccount *a, RcsWorkerKind lane)
{
	double rate = a->shared < 0 ? 0 : rcs_account_rate(a->shared, lane);

	if (rate <= 0)
		return RCS_SLICE_MAX;
	return Max(1, Min(RCS_SLICE_MAX, (int) (rate / 60.0 * RCS_SLICE_SECONDS)));
}

/* The number of single messages that may become ready in addition; -1 = the account is closed. */
int
rcs_account_room(RcsAccount *a, int64 now_us)
{
	bool probe;
	int64 wait_us;

	if (!rcs_account_usable(a, now_us, &probe, &wait_us))
		return -1;
	if (probe) /* closed until the probe has its answer */
		return a->ready > 0 ? -1 : 1;
	return Max(0, rcs_account_slice(a, RCS_WORKER_SINGLE) - a->ready);
}
