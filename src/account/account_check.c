/*
 * account_check.c
 *		rcs_account_check(): logs in to a carrier account, and says how it went.
 *
 * Tokens live in workers only, so a delivery worker of this database logs in.  The
 * backend that asks waits, and can be canceled.  Logins cost the carrier's patience, so
 * an account has a few a minute: some for the owner of the extension, and some for all
 * others, who so cannot use up the owner's.  This file must not know how a login is done.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/wait_event.h"

#include "account/account.h"
#include "account/account_check.h"
#include "account/account_shared.h"
#include "base/monotonic.h"
#include "base/pg_compat.h"
#include "process/ext_state.h"
#include "process/guc.h"
#include "process/shmem.h"
#include "process/slots.h"

#define CHECK_POLL_MS 20

/* So many checks at once, and then one each period. */
typedef struct Allowance
{
	int burst;
	int period_s;
} Allowance;

static const Allowance owners = {10, 6};
static const Allowance others = {3, 20};

/* ---------- asked by a backend ---------- */

/* Seconds until the caller may have this account checked; 0: now, which is then taken. */
static int
seconds_to_wait(RcsAccountEntry *a, bool is_owner)
{
	const Allowance *allowed = is_owner ? &owners : &others;
	int64 period = allowed->period_s * USECS_PER_SEC;
	int64 *until = &a->checks_until[is_owner ? 0 : 1];
	int64 now = rcs_now_us();
	int64 early;

	SpinLockAcquire(&a->mutex);
	*until = Max(*until, now);
	early = *until - now - (allowed->burst - 1) * period;
	if (early <= 0)
		*until += period;
	SpinLockRelease(&a->mutex);
	return early <= 0 ? 0 : (int) (early / USECS_PER_SEC) + 1;
}

static void
refuse_if_often(RcsAccountEntry *a, const char *server)
{
	int seconds = seconds_to_wait(a, has_privs_of_role(GetUserId(), rcs_ext_owner()));

	if (seconds > 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("the account of server \"%s\" has been checked too often", server),
			 errhint("Try again in %d seconds; rcs.account_status says how the last login went.",
					 seconds)));
}

static uint32
ask(RcsAccountEntry *a, const char *server)
{
	uint32 number;

	SpinLockAcquire(&a->mutex);
	number = ++a->check_asked;
	a->check_dboid = MyDatabaseId;
	strlcpy(a->check_server, server, sizeof(a->check_server));
	SpinLockRelease(&a->mutex);
	rcs_slots_wake(MyDatabaseId, RCS_WORKER_SINGLE);
	rcs_slots_wake(MyDatabaseId, RCS_WORKER_CAMPAIGN);
	return number;
}

static bool
answered(RcsAccountEntry *a, uint32 number, bool *ok, char detail[RCS_ACCOUNT_REASON])
{
	bool there;

	SpinLockAcquire(&a->mutex);
	there = (int32) (a->check_answered - number) >= 0;
	*ok = a->check_ok;
	memcpy(detail, a->check_detail, RCS_ACCOUNT_REASON);
	SpinLockRelease(&a->mutex);
	return there;
}

static void
check_account(const RcsServerOptions *o, bool *ok, char detail[RCS_ACCOUNT_REASON])
{
	int account = rcs_account_entry(o->url, o->rcs_id, o->name);
	int64 end_us = rcs_now_us() + (rcs_request_timeout + 5000) * INT64CONST(1000);
	uint32 number;

	*ok = false;
	if (account < 0)
	{
		strlcpy(detail, "there are too many carrier accounts", RCS_ACCOUNT_REASON);
		return;
	}
	refuse_if_often(&rcs_account_entries[account], o->name);
	number = ask(&rcs_account_entries[account], o->name);
	while (!answered(&rcs_account_entries[account], number, ok, detail))
	{
		if (rcs_now_us() > end_us)
		{
			*ok = false;
			strlcpy(detail, "no delivery worker of this database answered; see rcs.worker_status",
					RCS_ACCOUNT_REASON);
			return;
		}
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, CHECK_POLL_MS,
						 RcsWaitEvent("RcsAccountCheck"));
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

PG_FUNCTION_INFO_V1(rcs_account_check);
Datum
rcs_account_check(PG_FUNCTION_ARGS)
{
	char *server = text_to_cstring(PG_GETARG_TEXT_PP(0));
	RcsServerOptions *o = rcs_account_load(server, false);
	char detail[RCS_ACCOUNT_REASON] = "";
	bool ok = false;
	TupleDesc tupdesc;
	Datum values[2];
	bool nulls[2] = {false, false};

	rcs_account_check_usage(GetUserId(), list_make1(server));
	if (!rcs_preloaded())
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("rcs is not in shared_preload_libraries, so nothing can log in"),
						errhint("Add rcs to shared_preload_libraries and restart the server.")));
	if (o->problem != NULL)
		strlcpy(detail, o->problem, sizeof(detail));
	else
		check_account(o, &ok, detail);
	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = BoolGetDatum(ok);
	values[1] = CStringGetTextDatum(detail);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls)));
}

/* ---------- done by a worker ---------- */

/* The entry of an account that a backend of this database wants checked, or -1. */
int
rcs_account_check_take(char server[NAMEDATALEN])
{
	for (int i = 0; i < RCS_MAX_ACCOUNTS && rcs_account_entries[i].used; i++)
	{
		RcsAccountEntry *a = &rcs_account_entries[i];
		bool mine;

		if (a->check_taken == a->check_asked)
			continue; /* read without the lock: a check that is missed here is found the next time */
		SpinLockAcquire(&a->mutex);
		mine = a->check_taken != a->check_asked && a->check_dboid == MyDatabaseId;
		if (mine)
		{
			a->check_taken = a->check_asked;
			memcpy(server, a->check_server, NAMEDATALEN);
		}
		SpinLockRelease(&a->mutex);
		if (mine)
			return i;
	}
	return -1;
}

void
rcs_account_check_answer(int account, bool ok, const char *detail)
{
	RcsAccountEntry *a = &rcs_account_entries[account];

	SpinLockAcquire(&a->mutex);
	a->check_ok = ok;
	strlcpy(a->check_detail, detail, sizeof(a->check_detail));
	a->check_answered = a->check_taken;
	SpinLockRelease(&a->mutex);
}
