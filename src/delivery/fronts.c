/*
 * fronts.c
 *		Which single messages may be leased; what waits for its account rests.
 *
 * A message is leased only when an account that may take it is open and has room.
 * Nothing is written about one that waits.  Instead each account has a front: the place
 * in the queue after which messages wait for it.  When the account has room they are
 * taken from there on, the oldest first, and newer ones wait until the front is at the
 * end.  This file must not know HTTP, leases and answers.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "base/monotonic.h"
#include "carrier/carrier.h"
#include "delivery/fronts.h"

#define STEP 2000 /* rows that are looked at in one go */

typedef struct Front
{
	RcsAccount *account;
	bool behind;	 /* messages may wait for it: all of them after this place */
	TimestampTz due; /* the order of the queue: by due_at, then by batch_id */
	int64 id;
	bool far;	/* the last step did not fill the room: look farther */
	int picked; /* in this turn */
} Front;

static List *fronts = NIL;
static bool survey_far = false;

static Front *
front_of(RcsAccount *a)
{
	ListCell *lc;
	MemoryContext old;
	Front *f;

	foreach(lc, fronts)
		if (((Front *) lfirst(lc))->account == a)
			return lfirst(lc);
	old = MemoryContextSwitchTo(TopMemoryContext);
	f = palloc0(sizeof(Front));
	f->account = a;
	fronts = lappend(fronts, f);
	MemoryContextSwitchTo(old);
	return f;
}

void
rcs_fronts_begin(void)
{
	ListCell *lc;

	foreach(lc, fronts)
		((Front *) lfirst(lc))->picked = 0;
}

/* ---------- one message ---------- */

/* The accounts that may take it; none while its chatbot is not there. */
static List *
servers_of(const char *chatbot, const char *server)
{
	RcsBot *bot;

	if (server != NULL)
		return list_make1(unconstify(char *, server));
	bot = rcs_carrier_bot(chatbot);
	return bot->chatbot == NULL ? NIL : bot->chatbot->servers;
}

/* It waits for all its accounts. */
void
rcs_fronts_rest(const char *chatbot, const char *server, TimestampTz due, int64 id)
{
	ListCell *lc;

	foreach(lc, servers_of(chatbot, server))
	{
		Front *f = front_of(rcs_carrier_account(lfirst(lc)));

		if (f->behind && (f->due < due || (f->due == due && f->id < id)))
			continue;
		f->behind = true;
		f->due = due;
		f->id = id - 1;
		f->far = false;
	}
}

static bool
takes(Front *f, bool doubtful, int64 now_us)
{
	int room = rcs_account_room(f->account, now_us);

	if (doubtful) /* goes first, also when others have filled the account */
		return room > f->picked || (room == 0 && f->account->ready > 0);
	return !f->behind && room > f->picked;
}

/* Counts it for the account that has the fewest. */
static bool
may_go(const RcsDueSingle *s, bool doubtful, int64 now_us)
{
	Front *best = NULL;
	ListCell *lc;

	if (s->chatbot == NULL && s->server == NULL)
		return true; /* it was stored before rows named their chatbot */
	foreach(lc, servers_of(s->chatbot, s->server))
	{
		Front *f = front_of(rcs_carrier_account(lfirst(lc)));

		if (takes(f, doubtful, now_us) &&
			(best == NULL || f->account->ready + f->picked < best->account->ready + best->picked))
			best = f;
	}
	if (best != NULL)
		best->picked++;
	return best != NULL;
}

static int
pick(const RcsDueSingle *singles, int n, int64 now_us, int64 *ids)
{
	int picked = 0;

	for (int i = 0; i < n; i++)
	{
		if (may_go(&singles[i], false, now_us))
			ids[picked++] = singles[i].batch_id;
		else
			rcs_fronts_rest(singles[i].chatbot, singles[i].server, singles[i].due_at,
							singles[i].batch_id);
	}
	return picked;
}

/* ---------- what is found ---------- */

static bool
any_behind(void)
{
	ListCell *lc;

	foreach(lc, fronts)
		if (((Front *) lfirst(lc))->behind)
			return true;
	return false;
}

/* While all accounts are open and nothing waits, what was handed over needs no look. */
int
rcs_fronts_hand_over(const int64 *handed, int nhanded, int64 now_us, int64 *ids)
{
	RcsDueSingle *singles;

	if (!any_behind() && rcs_carrier_all_open(now_us))
	{
		memcpy(ids, handed, sizeof(int64) * nhanded);
		return nhanded;
	}
	return pick(singles, rcs_outbox_peek_singles(handed, nhanded, &singles), now_us, ids);
}

int
rcs_fronts_doubt(int most, int64 now_us, int64 *ids)
{
	RcsDueSingle *singles;
	int n = rcs_outbox_doubtful_singles(rcs_carrier_closed(now_us), most, &singles);
	int picked = 0;

	for (int i = 0; i < n; i++)
		if (may_go(&singles[i], true, now_us))
			ids[picked++] = singles[i].batch_id;
	return picked;
}

/* A step through all that is due, from a place on, which is moved. */
int
rcs_fronts_survey(TimestampTz *due, int64 *id, int most, int64 now_us, int64 *ids, bool *more)
{
	RcsDueSingle *singles;
	int limit = survey_far ? STEP : 2 * most;
	int n = rcs_outbox_due_singles(*due, *id, limit, &singles);
	int picked = 0;
	int i;

	for (i = 0; i < n && picked < most; i++)
	{
		picked += pick(&singles[i], 1, now_us, ids + picked);
		*due = singles[i].due_at;
		*id = singles[i].batch_id;
	}
	*more = i < n || n == limit;
	survey_far = *more && picked == 0;
	return picked;
}

/* ---------- what waited ---------- */

static bool
waits_for(const RcsDueSingle *s, const RcsAccount *a)
{
	ListCell *lc;

	foreach(lc, servers_of(s->chatbot, s->server))
		if (strcmp(lfirst(lc), a->server) == 0)
			return true;
	return false;
}

static bool
is_among(const int64 *ids, int n, int64 id)
{
	for (int i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/* Appends the next ones that waited for an account; a chatbot may have several.  How many there are then. */
static int
walk(Front *f, int64 *ids, int before, int most, int64 now_us)
{
	int room = Min(most, rcs_account_room(f->account, now_us) - f->picked);
	int limit = f->far ? STEP : 2 * room;
	RcsDueSingle *singles;
	int picked = 0;
	int n;
	int i;

	if (room <= 0)
		return before;
	n = rcs_outbox_due_singles(f->due, f->id, limit, &singles);
	for (i = 0; i < n; i++)
	{
		if (waits_for(&singles[i], f->account) && !is_among(ids, before, singles[i].batch_id))
		{
			if (picked == room)
				break;
			ids[before + picked++] = singles[i].batch_id;
		}
		f->due = singles[i].due_at;
		f->id = singles[i].batch_id;
	}
	f->behind = i < n || n == limit;
	f->far = picked < room;
	f->picked += picked;
	return before + picked;
}

int
rcs_fronts_take(int64 *ids, int n, int most, int64 now_us)
{
	ListCell *lc;

	foreach(lc, fronts)
	{
		Front *f = lfirst(lc);

		if (f->behind)
			n = walk(f, ids, n, most - n, now_us);
	}
	if (list_length(fronts) > 1) /* the next turn begins with another account */
	{
		Front *first = linitial(fronts);
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		fronts = lappend(list_delete_first(fronts), first);
		MemoryContextSwitchTo(old);
	}
	return n;
}

/* True: something that waited may go. */
bool
rcs_fronts_wanted(int64 now_us, int64 *wait_us)
{
	ListCell *lc;

	foreach(lc, fronts)
	{
		Front *f = lfirst(lc);

		if (!f->behind)
			continue;
		if (rcs_account_room(f->account, now_us) > 0)
			return true;
		*wait_us = Min(*wait_us, SECOND / 4); /* rcs_account_check() may open it at any time */
	}
	return false;
}
