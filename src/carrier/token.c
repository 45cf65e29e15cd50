/*
 * token.c
 *		The token of an account: asked for, kept, renewed and wiped.
 *
 * A token lives in the memory of one process only.  A login that fails is a fault of
 * the account.  This file must not know which accounts there are.
 */
#include "postgres.h"

#include "utils/json.h"
#include "utils/timestamp.h"

#include "account/account_check.h"
#include "base/monotonic.h"
#include "carrier/carrier.h"
#include "carrier/token.h"
#include "process/guc.h"

static int flying = 0; /* requests for a token */

int
rcs_logins_flying(void)
{
	return flying;
}

void
rcs_token_forget(RcsAccount *a)
{
	if (a->token == NULL)
		return;
	explicit_bzero(a->token, strlen(a->token));
	free(a->token);
	a->token = NULL;
}

static void
answer_check(RcsAccount *a, bool ok, const char *detail)
{
	if (a->checked)
		rcs_account_check_answer(a->shared, ok, detail);
	a->checked = false;
}

/*
 * The options have changed.  Neither the token nor a refusal of the former login
 * counts any more: the next message of the account logs in anew.
 */
void
rcs_token_drop_login(RcsAccount *a, int shared)
{
	if (a->fetching)
	{
		rcs_http_abort(&a->fetch);
		explicit_bzero(a->fetch_body.data, a->fetch_body.len);
		a->fetching = false;
		flying--;
		answer_check(a, false, "the server was changed meanwhile");
	}
	rcs_token_forget(a);
	if (a->cxt != NULL && shared >= 0) /* its options were loaded before, so this is a change */
		rcs_account_try_now(shared);
}

static void
fetch_failed(RcsAccount *a, const char *reason)
{
	rcs_account_faulted(a->shared, a->fetch_started_us, true, reason);
	answer_check(a, false, reason);
}

static void
start_fetch(RcsAccount *a, int64 now_us)
{
	char *problem = NULL;
	char *secret = rcs_account_read_secret(a->options, &problem);

	a->fetch_started_us = now_us;
	if (secret == NULL)
	{
		fetch_failed(a, problem);
		return;
	}
	resetStringInfo(&a->fetch_body);
	appendStringInfoString(&a->fetch_body, "{\"rcsId\":");
	escape_json(&a->fetch_body, a->options->rcs_id);
	appendStringInfoString(&a->fetch_body, ",\"rcsSecret\":");
	escape_json(&a->fetch_body, secret);
	appendStringInfoString(&a->fetch_body, ",\"grantType\":\"clientCredentials\"}");
	explicit_bzero(secret, strlen(secret));
	pfree(secret);

	memset(&a->fetch, 0, sizeof(a->fetch));
	a->fetch.url = a->token_url;
	a->fetch.ca_file = a->options->ca_file;
	a->fetch.body = a->fetch_body.data;
	a->fetch.body_len = a->fetch_body.len;
	a->fetch.timeout_ms = rcs_request_timeout;
	a->fetch.owner = NULL; /* an offer has an owner */
	a->fetching = rcs_http_start(&a->fetch);
	if (a->fetching)
		flying++;
	else
		fetch_failed(a, a->fetch.error);
}

/* True: there is a token.  If there is none, or if it ends soon, one is asked for. */
bool
rcs_token_ready(RcsAccount *a, int64 now_us)
{
	bool probe;
	int64 wait_us;

	if (a->token != NULL && now_us >= a->token_end_us)
		rcs_token_forget(a);
	if (!a->fetching && (a->token == NULL || now_us >= a->token_renew_us) &&
		rcs_account_usable(a, now_us, &probe, &wait_us))
		start_fetch(a, now_us);
	return a->token != NULL;
}

/* The carrier refused a token.  It is renewed; if it never worked, the account is closed. */
void
rcs_token_refused(RcsAccount *a, int serial, const char *reason)
{
	if (serial != a->token_serial || a->token == NULL)
		return; /* it has been replaced meanwhile */
	rcs_token_forget(a);
	if (!a->token_worked)
		rcs_account_faulted(a->shared, rcs_now_us(), true, reason);
}

static void
keep_token(RcsAccount *a, char *token, long ttl_s)
{
	int64 now = rcs_now_us();
	int64 life = ttl_s * SECOND;

	rcs_token_forget(a);
	a->token = strdup(token);
	explicit_bzero(token, strlen(token));
	a->token_serial++;
	a->token_worked = false;
	a->token_end_us = now + life;
	a->token_renew_us = now + life - Min(life / 10, 60 * SECOND);
	rcs_account_token(a->shared, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ttl_s * 1000));
	rcs_account_reopen(a->shared);
	answer_check(a, true, "logged in");
}

/* The answer to the login of this account is there, or the request has failed. */
void
rcs_token_fetched(RcsAccount *a)
{
	RcsHttpRequest *r = &a->fetch;
	RcsAnswer problem;
	char *token = NULL;
	long ttl_s = 0;

	a->fetching = false;
	flying--;
	explicit_bzero(a->fetch_body.data, a->fetch_body.len);
	rcs_answer_note_clock(a, r);
	if (r->outcome != RCS_HTTP_ANSWER)
		fetch_failed(a, r->error);
	else if (rcs_kt_parse_token(rcs_codes(), r->status, r->answer, r->answer_len, &token, &ttl_s,
								&problem))
		keep_token(a, token, ttl_s);
	else
	{
		char reason[RCS_ACCOUNT_REASON];

		rcs_answer_note_code(a, r->status, &problem);
		snprintf(reason, sizeof(reason), "login refused: %s %s", problem.code, problem.reason);
		fetch_failed(a, reason);
	}
	if (token != NULL)
		pfree(token);
	rcs_http_release(r);
}

/* A backend waits in rcs_account_check(): the next login answers it. */
void
rcs_token_check(RcsAccount *a)
{
	rcs_token_forget(a);
	a->checked = true;
	if (!a->fetching)
		start_fetch(a, rcs_now_us());
}
