/*
 * token.c
 *		The token of an account: asked for, kept, renewed and wiped.
 *
 * A token lives in the memory of one process only.  What is wrong with a login concerns
 * this database and this server: login.c.  This file must not know which accounts there
 * are.
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
rcs_token_drop_login(RcsAccount *a, int shared, int login)
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
	{
		rcs_account_try_now(shared);
		rcs_login_try_now(shared, login, true);
	}
}

/* ---------- what a login says ---------- */

/* Once for each closing. */
static void
log_closed(const RcsAccount *a, const char *reason)
{
	ereport(WARNING,
			(errcode(ERRCODE_CONNECTION_FAILURE),
			 errmsg("carrier account \"%s\" is set aside in database \"%s\": %s", a->server,
					a->database, reason),
			 errhint("It is tried again by itself; rcs_account_check() tries it at once.")));
}

static void
log_open(const RcsAccount *a)
{
	ereport(LOG, (errmsg("carrier account \"%s\" is open again in database \"%s\"", a->server,
						 a->database)));
}

/* While the token that we have is good, nobody waits for a new one. */
static void
fetch_failed(RcsAccount *a, const char *reason)
{
	int64 now = rcs_now_us();

	if (a->token != NULL && now < a->token_end_us)
	{
		a->token_renew_us = now + Max(SECOND, (a->token_end_us - now) / 4);
		rcs_login_not_renewed(a->shared, a->login, reason);
	}
	else if (rcs_login_failed(a->shared, a->login, a->fetch_started_us, reason))
		log_closed(a, reason);
	answer_check(a, false, reason);
}

/* ---------- asking for a token ---------- */

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

RcsTokenState
rcs_token_state(const RcsAccount *a, int64 now_us)
{
	if (a->token == NULL || now_us >= a->token_end_us)
		return RCS_TOKEN_NONE;
	return a->token_worked ? RCS_TOKEN_WORKS : RCS_TOKEN_UNTRIED;
}

/*
 * True: there is a token to be used now.  If there is none, or if it ends soon, one is
 * asked for.  The caller has seen that the account is usable.
 */
bool
rcs_token_ready(RcsAccount *a, int64 now_us)
{
	if (a->token != NULL && now_us >= a->token_end_us)
		rcs_token_forget(a);
	if (!a->fetching && (a->token == NULL || now_us >= a->token_renew_us) &&
		rcs_login_seize(a->shared, a->login, RCS_TOKEN_NONE, now_us))
		start_fetch(a, now_us);
	return a->token != NULL &&
		   rcs_login_seize(a->shared, a->login, rcs_token_state(a, now_us), now_us);
}

/* ---------- what a request with it says ---------- */

void
rcs_token_used(RcsAccount *a, int64 now_us)
{
	if (!a->token_worked)
		rcs_login_used(a->shared, a->login, now_us);
}

/* The carrier has taken a request with this token, whatever it says about the rest. */
void
rcs_token_worked(RcsAccount *a, int serial)
{
	if (serial != a->token_serial || a->token == NULL || a->token_worked)
		return;
	a->token_worked = true;
	if (rcs_login_worked(a->shared, a->login, a->token_asked_us))
		log_open(a);
}

/* A request with it has ended, and it may be good or bad. */
void
rcs_token_unproven(RcsAccount *a)
{
	if (!a->token_worked && a->shared >= 0)
		rcs_login_unproven(a->shared, a->login);
}

/* The carrier refused a token.  It is replaced; if it never worked, the login is closed. */
void
rcs_token_refused(RcsAccount *a, int serial, const char *reason)
{
	if (serial != a->token_serial || a->token == NULL)
		return; /* it has been replaced meanwhile */
	rcs_token_forget(a);
	if (!a->token_worked && rcs_login_refused(a->shared, a->login, a->token_asked_us, reason))
		log_closed(a, reason);
}

/* ---------- the answer to a login ---------- */

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
	a->token_asked_us = a->fetch_started_us;
	if (rcs_login_granted(a->shared, a->login,
						  TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ttl_s * 1000), now))
		log_open(a);
	if (a->checked)
	{
		rcs_account_reopen(a->shared);
		rcs_login_try_now(a->shared, a->login, false);
	}
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
	rcs_answer_note_clock(a, r);
	if (r->outcome != RCS_HTTP_ANSWER)
		fetch_failed(a, r->error);
	else if (rcs_kt_parse_token(rcs_codes(), r, &token, &ttl_s, &problem))
		keep_token(a, token, ttl_s);
	else
	{
		char reason[RCS_ACCOUNT_REASON];

		rcs_answer_note_code(a, r->status, &problem);
		snprintf(reason, sizeof(reason), "login refused: %s %s", problem.code, problem.reason);
		fetch_failed(a, reason);
	}
	/* only now: an answer must not repeat it */
	explicit_bzero(a->fetch_body.data, a->fetch_body.len);
	if (token != NULL)
		pfree(token);
	rcs_http_release(r);
}

/* A backend waits in rcs_account_check(): the next login answers it. */
void
rcs_token_check(RcsAccount *a)
{
	a->checked = true;
	if (!a->fetching)
		start_fetch(a, rcs_now_us());
}
