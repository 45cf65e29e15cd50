/*
 * accounts.c
 *		Accounts, tokens and chatbots as one delivery worker holds them.
 *
 * Options and chatbots are read again when the catalog says so or after a
 * second, tokens live in this process's memory only and are wiped when they
 * are replaced.  It knows no message and no queue.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/monotonic.h"
#include "carrier/carrier.h"
#include "delivery/state.h"
#include "process/guc.h"
#include "process/txn.h"

#define ROOM_AGE SECOND

static List *accounts = NIL; /* of RcsAccount */
static HTAB *rooms = NULL;	 /* of RcsBot */
static MemoryContext account_cxt = NULL;
static bool options_changed = false;

static void
note_change(Datum arg, int cacheid, uint32 hashvalue)
{
	options_changed = true;
}

void
rcs_carrier_init(void)
{
	HASHCTL ctl;

	account_cxt = AllocSetContextCreate(TopMemoryContext, "rcs accounts", ALLOCSET_DEFAULT_SIZES);
	ctl.keysize = sizeof(((RcsBot *) 0)->name);
	ctl.entrysize = sizeof(RcsBot);
	ctl.hcxt = account_cxt;
	rooms = hash_create("rcs chatbots", 64, &ctl, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	CacheRegisterSyscacheCallback(FOREIGNSERVEROID, note_change, (Datum) 0);
	CacheRegisterSyscacheCallback(USERMAPPINGOID, note_change, (Datum) 0);
}

/* ---------- options ---------- */

static void
forget_token(RcsAccount *a)
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

static bool
same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
same_login(const RcsServerOptions *a, const RcsServerOptions *b)
{
	return a != NULL && b != NULL && same(a->url, b->url) && same(a->ca_file, b->ca_file) &&
		   same(a->rcs_id, b->rcs_id) && same(a->rcs_secret, b->rcs_secret) &&
		   same(a->rcs_secret_file, b->rcs_secret_file);
}

/*
 * A login by the options of before says nothing about those of now, neither its
 * token nor its refusal: what waits for the account logs in anew.
 */
static void
drop_login(RcsAccount *a, int shared)
{
	if (a->fetching)
	{
		rcs_http_abort(&a->fetch);
		explicit_bzero(a->fetch_body.data, a->fetch_body.len);
		a->fetching = false;
		answer_check(a, false, "the server was changed meanwhile");
	}
	forget_token(a);
	if (a->cxt != NULL && shared >= 0) /* else we only meet it */
		rcs_account_try_now(shared);
}

/* The name of a server that we no longer know as this account is given back, unless we know it by another. */
static void
detach(RcsAccount *a)
{
	ListCell *lc;

	foreach(lc, accounts)
	{
		RcsAccount *other = lfirst(lc);

		if (other != a && other->shared == a->shared &&
			other->options->serverid == a->options->serverid)
			return;
	}
	rcs_account_state_detach(a->shared, a->options->serverid);
}

/* In a transaction. */
static void
load_options(RcsAccount *a)
{
	MemoryContext cxt = AllocSetContextCreate(account_cxt, "rcs account", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(cxt);
	RcsServerOptions *o = rcs_account_load(a->server, true);
	int shared = -1;

	if (o != NULL && o->problem == NULL)
	{
		shared = rcs_account_state_entry(o->url, o->rcs_id, o->name);
		if (shared >= 0 &&
			!rcs_account_state_attach(shared, o->serverid, o->rate_per_minute, o->connections))
			shared = -1;
		if (shared < 0)
			o->problem = pstrdup("there are too many carrier accounts, or servers of one account");
	}
	if (a->shared >= 0 && (shared != a->shared || o->serverid != a->options->serverid))
		detach(a);
	if (shared != a->shared)
	{
		forget_token(a);
		a->clock_at_us = 0;
	}
	if (!same_login(o, a->options))
		drop_login(a, shared);
	a->message_url = o == NULL ? NULL : psprintf("%s/message", o->url);
	a->token_url = o == NULL ? NULL : psprintf("%s/token", o->url);
	MemoryContextSwitchTo(old);

	if (a->cxt != NULL)
		MemoryContextDelete(a->cxt);
	a->cxt = cxt;
	a->options = o;
	a->shared = shared;
	a->loaded_us = rcs_now_us();
}

/*
 * In a transaction.  curl has copied what it needs of a request under way, so
 * nobody points into the old options.
 */
void
rcs_carrier_follow(void)
{
	ListCell *lc;

	if (!options_changed)
		return;
	options_changed = false;
	foreach(lc, accounts)
		load_options(lfirst(lc));
}

static RcsAccount *
find_account(const char *server)
{
	ListCell *lc;

	foreach(lc, accounts)
	{
		RcsAccount *a = lfirst(lc);

		if (strcmp(a->server, server) == 0)
			return a;
	}
	return NULL;
}

/* The account of a server, in a transaction.  Never NULL: it may be unusable. */
RcsAccount *
rcs_carrier_account(const char *server)
{
	RcsAccount *a = find_account(server);
	MemoryContext old;

	rcs_carrier_follow();
	if (a != NULL)
	{
		if (a->shared < 0 && rcs_now_us() - a->loaded_us > SECOND)
			load_options(a);
		return a;
	}
	old = MemoryContextSwitchTo(account_cxt);
	a = palloc0(sizeof(RcsAccount));
	a->server = pstrdup(server);
	a->shared = -1;
	initStringInfo(&a->fetch_body);
	accounts = lappend(accounts, a);
	MemoryContextSwitchTo(old);
	load_options(a);
	return a;
}

bool
rcs_account_usable(RcsAccount *a, int64 now_us, bool *probe, int64 *wait_us)
{
	*probe = false;
	*wait_us = SECOND;
	return a->shared >= 0 && rcs_account_held(a) == NULL &&
		   rcs_account_open(a->shared, now_us, probe, wait_us);
}

/* How many intents may share a commit: what can leave within a quarter second. */
int
rcs_account_slice(const RcsAccount *a)
{
	double rate = a->shared < 0 ? 0 : rcs_account_rate(a->shared);

	if (rate <= 0)
		return RCS_SLICE_MAX;
	return Max(1, Min(RCS_SLICE_MAX, (int) (rate / 60.0 * RCS_SLICE_SECONDS)));
}

/* How many more messages the accounts that this worker has met may have ready. */
int
rcs_carrier_space(int64 now_us)
{
	int space = 0;
	ListCell *lc;

	foreach(lc, accounts)
	{
		RcsAccount *a = lfirst(lc);
		bool probe;
		int64 wait_us;

		if (rcs_account_usable(a, now_us, &probe, &wait_us))
			space += Max(0, (probe ? 1 : rcs_account_slice(a)) - a->ready);
	}
	return space;
}

void
rcs_carrier_forget_waits(void)
{
	ListCell *lc;

	foreach(lc, accounts)
	{
		RcsAccount *a = lfirst(lc);

		if (a->shared >= 0 && delivery.lane == RCS_WORKER_SINGLE)
			rcs_account_single_waits(a->shared, a->starved);
		a->starved = false;
	}
}

/* ---------- tokens ---------- */

int
rcs_logins_flying(void)
{
	int n = 0;
	ListCell *lc;

	foreach(lc, accounts)
		if (((RcsAccount *) lfirst(lc))->fetching)
			n++;
	return n;
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
	a->fetch.owner = NULL; /* tells it from an offer */
	a->fetching = rcs_http_start(&a->fetch);
	if (!a->fetching)
		fetch_failed(a, a->fetch.error);
}

/* Is there a token to send with?  If not, or if it ends soon, one is on its way. */
bool
rcs_token_ready(RcsAccount *a, int64 now_us)
{
	bool probe;
	int64 wait_us;

	if (a->token != NULL && now_us >= a->token_end_us)
		forget_token(a);
	if (!a->fetching && (a->token == NULL || now_us >= a->token_renew_us) &&
		rcs_account_usable(a, now_us, &probe, &wait_us))
		start_fetch(a, now_us);
	return a->token != NULL;
}

/* The carrier refused a token: it is renewed, but one that never worked closes the account. */
void
rcs_token_refused(RcsAccount *a, int serial, const char *reason)
{
	if (serial != a->token_serial || a->token == NULL)
		return; /* it has been replaced meanwhile */
	forget_token(a);
	if (!a->token_worked)
		rcs_account_faulted(a->shared, rcs_now_us(), true, reason);
}

static void
keep_token(RcsAccount *a, char *token, long ttl_s)
{
	int64 now = rcs_now_us();
	int64 life = ttl_s * SECOND;

	forget_token(a);
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

/* True when this completed request was one for a token. */
bool
rcs_carrier_token_done(RcsHttpRequest *r)
{
	ListCell *lc;

	foreach(lc, accounts)
	{
		RcsAccount *a = lfirst(lc);
		RcsAnswer problem;
		char *token = NULL;
		long ttl_s = 0;

		if (r != &a->fetch)
			continue;
		a->fetching = false;
		explicit_bzero(a->fetch_body.data, a->fetch_body.len);
		rcs_answer_note_clock(a, r);
		if (r->outcome != RCS_HTTP_ANSWER)
			fetch_failed(a, r->error);
		else if (rcs_kt_parse_token(rcs_codes(), r->status, r->answer, r->answer_len, &token,
									&ttl_s, &problem))
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
		return true;
	}
	return false;
}

/* ---------- a check that somebody asked for ---------- */

static char check_server[NAMEDATALEN];

static void
load_checked(void *arg)
{
	options_changed = true; /* what was created a moment ago counts */
	*(RcsAccount **) arg = rcs_carrier_account(check_server);
}

static void
start_check(int entry)
{
	RcsAccount *a = NULL;

	if (!rcs_txn_run(load_checked, &a) || a->shared != entry)
	{
		rcs_account_check_answer(entry, false, "the server is not visible yet: commit it first");
		return;
	}
	forget_token(a);
	a->checked = true;
	if (!a->fetching)
		start_fetch(a, rcs_now_us());
}

/* Log in for those who wait in rcs_account_check(). */
void
rcs_carrier_checks(void)
{
	int entry;

	while ((entry = rcs_account_check_take(check_server)) >= 0)
		start_check(entry);
}

/* ---------- chatbots ---------- */

static void
load_room(RcsBot *room)
{
	MemoryContext cxt = AllocSetContextCreate(account_cxt, "rcs chatbot", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(cxt);
	RcsChatbot *c = rcs_chatbot_load(room->name);

	MemoryContextSwitchTo(old);
	if (room->cxt != NULL)
		MemoryContextDelete(room->cxt);
	room->cxt = cxt;
	room->chatbot = c;
	room->loaded_us = rcs_now_us();
	memset(&room->sender, 0, sizeof(room->sender));
	if (c == NULL)
		return;
	room->sender.chatbot = c->chatbot;
	room->sender.agency_id = c->agency_id;
	room->sender.agency_key = c->agency_key;
	room->sender.brand_key = c->brand_key;
	room->sender.callback = c->callback;
	room->sender.footer = c->footer;
	room->sender.kisa_orig_code = c->kisa_orig_code;
	room->sender.fallback_prefix = c->fallback_prefix;
	room->sender.cdr_id = c->cdr_id;
}

/* A chatbot, in a transaction, at most a second old.  Never NULL; its chatbot may be. */
RcsBot *
rcs_carrier_bot(const char *chatbot)
{
	bool found;
	RcsBot *room = hash_search(rooms, chatbot == NULL ? "" : chatbot, HASH_ENTER, &found);

	if (!found)
	{
		room->cxt = NULL;
		room->chatbot = NULL;
	}
	if (room->cxt == NULL || rcs_now_us() - room->loaded_us > ROOM_AGE)
		load_room(room);
	return room;
}
