/*
 * account_status.c
 *		Accounts as users see them: rcs.account_status and rcs_account_check().
 *
 * A check logs in through a delivery worker of this database, because tokens
 * live in workers only; the backend that asks waits and can be canceled.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "account/account.h"
#include "account/account_shared.h"
#include "base/monotonic.h"
#include "base/pg_compat.h"
#include "process/guc.h"
#include "process/shmem.h"
#include "process/slots.h"

#define STATUS_COLUMNS 8
#define CHECK_POLL_MS 20

PG_FUNCTION_INFO_V1(rcs_account_status);
PG_FUNCTION_INFO_V1(rcs_account_check);

/* ---------- the view ---------- */

typedef struct Status
{
	const char *state;
	const char *limited_by;
	double rate;
	int64 accepted;
	int64 throttled;
	TimestampTz token_expires_at; /* 0 = none */
	bool clock_known;
	int64 clock_ahead_us;
	char last_error[RCS_ACCOUNT_REASON];
} Status;

static const char *
state_word(const RcsAccountEntry *a, int64 now)
{
	if (a->closed_until != 0)
		return now < a->closed_until ? "closed" : "probing";
	if (now < a->paused_until)
		return "throttled";
	return "open";
}

static const char *
limit_word(const RcsAccountEntry *a, int64 now)
{
	if (a->closed_until != 0)
		return "account";
	if (a->lowered_at != 0)
		return "carrier";
	if (a->connections > 0 && a->active >= a->connections)
		return "connections";
	if (a->bucket.per_us > 0 && a->bucket.tokens < 1)
		return "rate";
	return NULL;
}

/* What shared memory says of an account; all zero when nobody used it yet. */
static void
read_status(const RcsServerOptions *o, Status *s)
{
	RcsAccountEntry *a = NULL;
	int64 now = rcs_now_us();

	memset(s, 0, sizeof(*s));
	s->state = o->problem != NULL ? "unusable" : "unused";
	s->rate = o->rate_per_minute;
	if (o->problem != NULL)
		strlcpy(s->last_error, o->problem, sizeof(s->last_error));
	else
		a = rcs_account_find(o->url, o->rcs_id);
	if (a == NULL)
		return;
	SpinLockAcquire(&a->mutex);
	s->state = state_word(a, now);
	s->limited_by = limit_word(a, now);
	s->rate = a->rate;
	s->accepted = rcs_account_last_minute(a, now);
	s->throttled = (int64) a->throttled;
	s->token_expires_at = a->token_expires_at;
	s->clock_known = a->clock_known;
	s->clock_ahead_us = a->clock_ahead_us;
	memcpy(s->last_error, a->reason, RCS_ACCOUNT_REASON);
	SpinLockRelease(&a->mutex);
}

/* rcs._account_status(server): one row. */
Datum
rcs_account_status(PG_FUNCTION_ARGS)
{
	RcsServerOptions *o = rcs_account_load(text_to_cstring(PG_GETARG_TEXT_PP(0)), true);
	Status s;
	TupleDesc tupdesc;
	Datum values[STATUS_COLUMNS];
	bool nulls[STATUS_COLUMNS] = {false};

	if (o == NULL)
		PG_RETURN_NULL();
	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	read_status(o, &s);
	values[0] = CStringGetTextDatum(s.state);
	nulls[1] = s.rate <= 0;
	values[1] = Int32GetDatum((int32) s.rate);
	values[2] = Int64GetDatum(s.accepted);
	values[3] = Int64GetDatum(s.throttled);
	nulls[4] = s.limited_by == NULL;
	values[4] = nulls[4] ? (Datum) 0 : CStringGetTextDatum(s.limited_by);
	nulls[5] = s.token_expires_at == 0;
	values[5] = TimestampTzGetDatum(s.token_expires_at);
	nulls[6] = s.last_error[0] == '\0';
	values[6] = CStringGetTextDatum(s.last_error);
	nulls[7] = !s.clock_known;
	values[7] = Float8GetDatum(s.clock_ahead_us / 1000000.0);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls)));
}

/* ---------- the check, asked by a backend ---------- */

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
	int account = rcs_account_state_entry(o->url, o->rcs_id, o->name);
	int64 end_us = rcs_now_us() + (rcs_request_timeout + 5000) * INT64CONST(1000);
	uint32 number;

	*ok = false;
	if (account < 0)
	{
		strlcpy(detail, "there are too many carrier accounts", RCS_ACCOUNT_REASON);
		return;
	}
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

/* ---------- the check, done by a worker ---------- */

/* The entry of an account that somebody wants checked in this database, or -1. */
int
rcs_account_check_take(char server[NAMEDATALEN])
{
	for (int i = 0; i < RCS_MAX_ACCOUNTS && rcs_account_entries[i].used; i++)
	{
		RcsAccountEntry *a = &rcs_account_entries[i];
		bool mine;

		if (a->check_taken == a->check_asked)
			continue; /* a stale look is put right by the next one */
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
