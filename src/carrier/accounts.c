/*
 * accounts.c
 *		The carrier accounts that one delivery worker has met.
 *
 * The options of an account are read again when the catalog says that they have
 * changed; an account that cannot be used is looked at again after a second.  This
 * file must not know a message or a queue.
 */
#include "postgres.h"

#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "account/account_check.h"
#include "account/permit.h"
#include "base/monotonic.h"
#include "carrier/carrier.h"
#include "carrier/token.h"
#include "process/my_slot.h"
#include "process/txn.h"

static List *accounts = NIL; /* of RcsAccount */
static MemoryContext account_cxt = NULL;
static bool options_changed = false;
static uint32 changes = 0;

static void
note_change(Datum arg, int cacheid, uint32 hashvalue)
{
	options_changed = true;
}

void
rcs_carrier_init(void)
{
	account_cxt = AllocSetContextCreate(TopMemoryContext, "rcs accounts", ALLOCSET_DEFAULT_SIZES);
	CacheRegisterSyscacheCallback(FOREIGNSERVEROID, note_change, (Datum) 0);
	CacheRegisterSyscacheCallback(USERMAPPINGOID, note_change, (Datum) 0);
	/* whether the owner of a server may read files */
	CacheRegisterSyscacheCallback(AUTHOID, note_change, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, note_change, (Datum) 0);
}

/* ---------- options ---------- */

static bool
same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
same_login(const RcsServerOptions *a, const RcsServerOptions *b)
{
	return a != NULL && b != NULL && same(a->url, b->url) && same(a->query_url, b->query_url) &&
		   same(a->ca_file, b->ca_file) && same(a->rcs_id, b->rcs_id) &&
		   same(a->rcs_secret, b->rcs_secret) && same(a->rcs_secret_file, b->rcs_secret_file);
}

/* The server does not name this account any more.  Keeps its hold if another RcsAccount has both. */
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
	rcs_account_detach(a->shared, a->options->serverid);
}

/* In a transaction. */
static void
load_options(RcsAccount *a)
{
	MemoryContext cxt = AllocSetContextCreate(account_cxt, "rcs account", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(cxt);
	RcsServerOptions *o = rcs_account_load(a->server, true);
	int shared = -1;
	int login = -1;

	if (o != NULL && o->problem == NULL)
	{
		shared = rcs_account_entry(o->url, o->rcs_id, o->name);
		if (shared >= 0)
			login = rcs_account_attach(shared, o->serverid, o->rate_per_minute, o->connections);
		if (login < 0)
			shared = -1;
		if (shared < 0)
			o->problem = pstrdup("there are too many carrier accounts, or servers of one account");
	}
	if (a->shared >= 0 && (shared != a->shared || o->serverid != a->options->serverid))
		detach(a);
	if (shared != a->shared)
	{
		rcs_token_forget(a);
		a->clock_at_us = 0;
	}
	if (!same_login(o, a->options))
		rcs_token_drop_login(a, shared, login);
	a->message_url = o == NULL ? NULL : psprintf("%s/message", o->url);
	a->token_url = o == NULL ? NULL : psprintf("%s/token", o->url);
	MemoryContextSwitchTo(old);

	if (a->cxt != NULL)
		MemoryContextDelete(a->cxt);
	a->cxt = cxt;
	a->options = o;
	a->shared = shared;
	a->login = login;
	a->loaded_us = rcs_now_us();
}

/*
 * In a transaction.  curl has copied the strings of a request under way, so no request
 * points into the old options.
 */
void
rcs_carrier_follow(void)
{
	ListCell *lc;

	if (!options_changed)
		return;
	options_changed = false;
	changes++;
	foreach(lc, accounts)
		load_options(lfirst(lc));
}

/* Rises when the servers or their options have changed. */
uint32
rcs_carrier_changes(void)
{
	return changes;
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
	a->login = -1;
	a->database = get_database_name(MyDatabaseId);
	initStringInfo(&a->fetch_body);
	accounts = lappend(accounts, a);
	MemoryContextSwitchTo(old);
	load_options(a);
	return a;
}

/* The number of messages that may become ready in addition, over all accounts of this worker. */
int
rcs_carrier_space(int64 now_us)
{
	int space = 0;
	ListCell *lc;

	foreach(lc, accounts)
		space += Max(0, rcs_account_room(lfirst(lc), now_us));
	return space;
}

/* True: no account of this worker is closed or full. */
bool
rcs_carrier_all_open(int64 now_us)
{
	ListCell *lc;

	foreach(lc, accounts)
	{
		RcsAccount *a = lfirst(lc);

		if (a->options != NULL && rcs_account_room(a, now_us) <= 0)
			return false;
	}
	return true;
}

/* The servers of the accounts through which nothing may leave now. */
List *
rcs_carrier_closed(int64 now_us)
{
	List *servers = NIL;
	ListCell *lc;

	foreach(lc, accounts)
	{
		RcsAccount *a = lfirst(lc);

		if (rcs_account_room(a, now_us) < 0)
			servers = lappend(servers, a->server);
	}
	return servers;
}

void
rcs_carrier_forget_waits(void)
{
	ListCell *lc;

	foreach(lc, accounts)
	{
		RcsAccount *a = lfirst(lc);

		if (a->shared >= 0 && rcs_my_slot()->kind == RCS_WORKER_SINGLE)
			rcs_account_single_waits(a->shared, a->starved);
		a->starved = false;
	}
}

/* ---------- logins ---------- */

/* True: this completed request was one for a token, and is dealt with. */
bool
rcs_carrier_token_done(RcsHttpRequest *r)
{
	ListCell *lc;

	foreach(lc, accounts)
	{
		RcsAccount *a = lfirst(lc);

		if (r != &a->fetch)
			continue;
		rcs_token_fetched(a);
		return true;
	}
	return false;
}

/* A server whose account a backend wants checked, and the account once it is loaded. */
typedef struct Check
{
	char server[NAMEDATALEN];
	RcsAccount *account;
} Check;

static void
load_checked(void *arg)
{
	Check *check = arg;

	options_changed = true; /* the server may have been created a moment ago */
	check->account = rcs_carrier_account(check->server);
}

static void
start_check(Check *check, int entry)
{
	if (!rcs_txn_run(load_checked, check) || check->account->shared != entry)
		rcs_account_check_answer(entry, false, "the server is not visible yet: commit it first");
	else
		rcs_token_check(check->account);
}

/* Log in for the backends that wait in rcs_account_check(). */
void
rcs_carrier_checks(void)
{
	Check check;
	int entry;

	while ((entry = rcs_account_check_take(check.server)) >= 0)
		start_check(&check, entry);
}
