/*
 * account_status.c
 *		Accounts as users see them: the view rcs.account_status.
 *
 * It only reads.  breaker.c, login.c and permit.c decide what an account may do.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "account/account.h"
#include "account/login.h"
#include "account/pace.h"
#include "base/monotonic.h"

#define STATUS_COLUMNS 8

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

/* The closed one of the account's breaker and the login's, or NULL; mutex held. */
static const RcsBreaker *
closed_breaker(const RcsAccountEntry *a, const RcsLogin *l)
{
	if (a->breaker.closed_until != 0)
		return &a->breaker;
	return l != NULL && l->breaker.closed_until != 0 ? &l->breaker : NULL;
}

static const char *
state_word(const RcsAccountEntry *a, const RcsBreaker *closed, int64 now)
{
	if (closed != NULL)
		return now < closed->closed_until ? "closed" : "probing";
	if (now < a->throttle.paused_until || a->throttle.locked)
		return "throttled";
	return "open";
}

static const char *
limit_word(const RcsAccountEntry *a, const RcsBreaker *closed, int64 now)
{
	if (closed != NULL)
		return "account";
	if (a->throttle.since != 0 || now < a->throttle.paused_until)
		return "carrier";
	if (a->connections > 0 && a->active >= a->connections)
		return "connections";
	if (a->bucket.per_us > 0 && a->bucket.tokens < 1)
		return "rate";
	return NULL;
}

static const char *
last_error(const RcsAccountEntry *a, const RcsLogin *l, const RcsBreaker *closed)
{
	if (closed != NULL)
		return closed->reason;
	return l != NULL && l->breaker.reason[0] != '\0' ? l->breaker.reason : a->breaker.reason;
}

/* The account in shared memory; all zero when no worker has used it yet. */
static void
read_status(const RcsServerOptions *o, Status *s)
{
	RcsAccountEntry *a = NULL;
	const RcsLogin *login;
	const RcsBreaker *closed;
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
	s->rate = rcs_account_campaign_rate(a, now); /* first: a lowering may be over by now */
	login = rcs_login_find(a, o->serverid);
	closed = closed_breaker(a, login);
	s->state = state_word(a, closed, now);
	s->limited_by = limit_word(a, closed, now);
	s->accepted = rcs_account_last_minute(a, now);
	s->throttled = (int64) a->throttled;
	s->token_expires_at = login != NULL ? login->token_expires_at : 0;
	s->clock_known = a->clock_known;
	s->clock_ahead_us = a->clock_ahead_us;
	memcpy(s->last_error, last_error(a, login, closed), RCS_ACCOUNT_REASON);
	SpinLockRelease(&a->mutex);
}

/* rcs._account_status(server): one row. */
PG_FUNCTION_INFO_V1(rcs_account_status);
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
