/*
 * fronts.c
 *		Which single messages may be leased, and whose turn it is; what cannot go rests.
 *
 * A message is leased only when an account that may take it is open and has room.
 * Nothing is written about one that waits.  Instead each sender (chatbot, role, urgent or
 * not) of which something waits has a front: the place in its part of the queue after
 * which its messages wait.  When an account has room, the senders that wait for it take
 * turns, those of urgent messages first; what comes meanwhile waits for its turn, too.
 * This file must not know HTTP, leases and answers.
 */
#include "postgres.h"

#include "lib/ilist.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "base/monotonic.h"
#include "carrier/carrier.h"
#include "delivery/fronts.h"

#define STEP 2000	   /* rows that are looked at in one go */
#define LOOK_AROUND 20 /* a look at all senders takes this part of the time at most */

/* An account in the turn under way, and the fronts that wait for it. */
typedef struct Room
{
	RcsAccount *account;
	uint32 turn; /* in which its room was read */
	int room;	 /* that many may become ready; -1 = closed */
	int picked;
	int waiting; /* fronts */
} Room;

typedef struct FrontKey
{
	char chatbot[64];
	char sender[2 * NAMEDATALEN]; /* a role's name, and maybe a number */
	bool urgent;
} FrontKey;

typedef struct Front
{
	FrontKey key;
	dlist_node node;
	TimestampTz due; /* the order of the queue: by due_at, then by batch_id */
	int64 id;
	List *rooms;  /* of its chatbot's accounts */
	uint32 dealt; /* the turn in which it had its share: */
	int share;	  /* messages */
} Front;

static List *rooms = NIL;
static HTAB *fronts = NULL;
static dlist_head queues[2]; /* of fronts: others, urgent; the first one is the next */
static uint32 turn = 0;
static int64 turn_us;
static int64 look_around_at_us = 0;
static bool survey_far = false;

/* ---------- rooms ---------- */

static Room *
room_of(RcsAccount *a)
{
	ListCell *lc;
	MemoryContext old;
	Room *r;

	foreach(lc, rooms)
		if (((Room *) lfirst(lc))->account == a)
			return lfirst(lc);
	old = MemoryContextSwitchTo(TopMemoryContext);
	r = palloc0(sizeof(Room));
	r->account = a;
	r->turn = turn - 1;
	rooms = lappend(rooms, r);
	MemoryContextSwitchTo(old);
	return r;
}

/* How many more may be picked in this turn; less than 0 when the account is closed. */
static int
left_in(Room *r)
{
	if (r->turn != turn)
	{
		r->turn = turn;
		r->room = rcs_account_room(r->account, turn_us);
		r->picked = 0;
	}
	return r->room - r->picked;
}

/* Of those that have room, the one that has the fewest; NULL = none has. */
static Room *
emptier(Room *best, Room *r)
{
	if (best == NULL || r->account->ready + r->picked < best->account->ready + best->picked)
		return r;
	return best;
}

static int
left_for_fronts(void)
{
	int left = 0;
	ListCell *lc;

	foreach(lc, rooms)
		if (((Room *) lfirst(lc))->waiting > 0)
			left += Max(0, left_in(lfirst(lc)));
	return left;
}

void
rcs_fronts_begin(int64 now_us)
{
	turn++;
	turn_us = now_us;
}

/* ---------- fronts ---------- */

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

static HTAB *
all_fronts(void)
{
	HASHCTL ctl = {.keysize = sizeof(FrontKey), .entrysize = sizeof(Front)};

	if (fronts == NULL)
	{
		dlist_init(&queues[false]);
		dlist_init(&queues[true]);
		fronts = hash_create("rcs fronts", 64, &ctl, HASH_ELEM | HASH_BLOBS);
	}
	return fronts;
}

static bool
any_waits(void)
{
	return hash_get_num_entries(all_fronts()) > 0;
}

static void
leave_rooms(Front *f)
{
	ListCell *lc;

	foreach(lc, f->rooms)
		((Room *) lfirst(lc))->waiting--;
	list_free(f->rooms);
	f->rooms = NIL;
}

static bool
has_rooms(const Front *f, List *servers)
{
	if (list_length(f->rooms) != list_length(servers))
		return false;
	for (int i = 0; i < list_length(servers); i++)
		if (strcmp(((Room *) list_nth(f->rooms, i))->account->server, list_nth(servers, i)) != 0)
			return false;
	return true;
}

static void
enter_rooms(Front *f, List *servers)
{
	ListCell *lc;

	leave_rooms(f);
	foreach(lc, servers)
	{
		Room *r = room_of(rcs_carrier_account(lfirst(lc)));
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		f->rooms = lappend(f->rooms, r);
		MemoryContextSwitchTo(old);
		r->waiting++;
	}
}

static void
end_front(Front *f)
{
	leave_rooms(f);
	dlist_delete(&f->node);
	hash_search(fronts, &f->key, HASH_REMOVE, NULL);
}

/* It waits for all accounts of its chatbot, and what the sender sends after it waits behind it. */
void
rcs_fronts_rest(const char *chatbot, const char *sender, bool urgent, TimestampTz due, int64 id)
{
	List *servers = chatbot == NULL ? NIL : servers_of(chatbot, NULL);
	FrontKey key;
	Front *f;
	bool found;

	if (servers == NIL) /* a scan finds it when there is one */
		return;
	memset(&key, 0, sizeof(key));
	strlcpy(key.chatbot, chatbot, sizeof(key.chatbot));
	strlcpy(key.sender, sender, sizeof(key.sender));
	key.urgent = urgent;
	f = hash_search(all_fronts(), &key, HASH_ENTER, &found);
	if (!found)
	{
		f->rooms = NIL;
		f->dealt = turn - 1;
		dlist_push_tail(&queues[urgent], &f->node);
	}
	if (!found || due < f->due || (due == f->due && id <= f->id))
	{
		f->due = due;
		f->id = id - 1;
	}
	if (!has_rooms(f, servers))
		enter_rooms(f, servers);
}

/* ---------- one message ---------- */

static bool
takes(Room *r, bool doubtful)
{
	int left = left_in(r);

	if (doubtful) /* goes first, also when others have filled the account */
		return left > 0 || (r->room == 0 && r->account->ready > 0);
	return left > 0 && r->waiting == 0;
}

/* Counts it for the account that has the fewest. */
static bool
may_go(const RcsDueSingle *s, bool doubtful)
{
	Room *best = NULL;
	ListCell *lc;

	if (s->chatbot == NULL && s->server == NULL)
		return true; /* it was stored without its chatbot */
	foreach(lc, servers_of(s->chatbot, s->server))
	{
		Room *r = room_of(rcs_carrier_account(lfirst(lc)));

		if (takes(r, doubtful))
			best = emptier(best, r);
	}
	if (best != NULL)
		best->picked++;
	return best != NULL;
}

static void
rest(const RcsDueSingle *s)
{
	rcs_fronts_rest(s->chatbot, s->sender, s->urgent, s->due_at, s->batch_id);
}

static int
pick(const RcsDueSingle *singles, int n, int most, int64 *ids)
{
	int picked = 0;

	for (int i = 0; i < n; i++)
	{
		if (picked < most && may_go(&singles[i], false))
			ids[picked++] = singles[i].batch_id;
		else
			rest(&singles[i]);
	}
	return picked;
}

/* ---------- what is found ---------- */

/* While all accounts are open and nothing waits, what was handed over needs no look. */
int
rcs_fronts_hand_over(const int64 *handed, int nhanded, int most, int64 *ids, bool *looked)
{
	RcsDueSingle *singles;

	*looked = nhanded > most || any_waits() || !rcs_carrier_all_open(turn_us);
	if (!*looked)
	{
		memcpy(ids, handed, sizeof(int64) * nhanded);
		return nhanded;
	}
	return pick(singles, rcs_outbox_peek_singles(handed, nhanded, &singles), most, ids);
}

int
rcs_fronts_doubt(int most, int64 *ids)
{
	RcsDueSingle *singles;
	int n = rcs_outbox_doubtful_singles(rcs_carrier_closed(turn_us), most, &singles);
	int picked = 0;

	for (int i = 0; i < n; i++)
		if (may_go(&singles[i], true))
			ids[picked++] = singles[i].batch_id;
	return picked;
}

/* A step through all that is due, from a place on, which is moved. */
int
rcs_fronts_survey(TimestampTz *due, int64 *id, int most, int64 *ids, bool *more)
{
	RcsDueSingle *singles;
	int limit = survey_far ? STEP : 2 * most;
	int n = rcs_outbox_due_singles(*due, *id, limit, &singles);
	int picked = pick(singles, n, most, ids);

	if (n > 0)
	{
		*due = singles[n - 1].due_at;
		*id = singles[n - 1].batch_id;
	}
	*more = n == limit;
	survey_far = *more && picked == 0;
	return picked;
}

/* ---------- what waited ---------- */

/* Deals out what room there is, one message after another; the number of fronts that have a share. */
static int
deal(dlist_head *queue, int most, Front **served)
{
	int left = Min(most, left_for_fronts());
	int nserved = 0;
	int before;

	do
	{
		dlist_iter iter;

		before = left;
		dlist_foreach(iter, queue)
		{
			Front *f = dlist_container(Front, node, iter.cur);
			Room *best = NULL;
			ListCell *lc;

			if (left == 0)
				return nserved;
			foreach(lc, f->rooms)
				if (left_in(lfirst(lc)) > 0)
					best = emptier(best, lfirst(lc));
			if (best == NULL)
				continue;
			best->picked++;
			left--;
			if (f->dealt != turn)
			{
				f->dealt = turn;
				f->share = 0;
				served[nserved++] = f;
			}
			f->share++;
		}
	} while (left < before);
	return nserved;
}

/* Appends n messages that are its share; more: there are others behind them. */
static int
take_share(Front *f, const RcsSenderSingle *singles, int n, int64 *ids)
{
	bool more = n > f->share;

	n = Min(n, f->share);
	for (int i = 0; i < n; i++)
		ids[i] = singles[i].batch_id;
	if (!more)
	{
		end_front(f);
		return n;
	}
	f->due = singles[n - 1].due_at;
	f->id = singles[n - 1].batch_id;
	dlist_delete(&f->node); /* the others have their turn before it has the next */
	dlist_push_tail(&queues[f->key.urgent], &f->node);
	return n;
}

static int
take_turns(bool urgent, int most, int64 *ids)
{
	Front **served = palloc(sizeof(Front *) * Max(most, 1));
	int nserved = deal(&queues[urgent], most, served);
	RcsSenderTurn *turns = palloc0(sizeof(RcsSenderTurn) * Max(nserved, 1));
	RcsSenderSingle *singles;
	int nsingles;
	int next = 0;
	int n = 0;

	if (nserved == 0)
		return 0;
	for (int i = 0; i < nserved; i++)
	{
		turns[i].chatbot = served[i]->key.chatbot;
		turns[i].sender = served[i]->key.sender;
		turns[i].after_due = served[i]->due;
		turns[i].after_id = served[i]->id;
		turns[i].most = served[i]->share + 1; /* to see if there are more */
	}
	nsingles = rcs_outbox_sender_singles(turns, nserved, urgent, &singles);
	for (int i = 0; i < nserved; i++)
	{
		int first = next;

		while (next < nsingles && singles[next].turn == i)
			next++;
		n += take_share(served[i], singles + first, next - first, ids + n);
	}
	return n;
}

/*
 * Senders of which nothing was handed over, such as those of messages that fall due only
 * now, would not have a turn while others wait.
 */
static void
look_around(void)
{
	int64 began_us = rcs_now_us();
	RcsDueSingle *singles;
	int n;

	if (began_us < look_around_at_us)
		return;
	n = rcs_outbox_first_singles(&singles);
	for (int i = 0; i < n; i++)
		rest(&singles[i]);
	look_around_at_us = began_us + Max(SECOND, LOOK_AROUND * (rcs_now_us() - began_us));
}

int
rcs_fronts_take(int most, int64 *ids)
{
	int n;

	if (!any_waits() || left_for_fronts() == 0)
		return 0;
	look_around();
	n = take_turns(true, most, ids);
	return n + take_turns(false, most - n, ids + n);
}

/* True: several may wait for an account that is open, so who is there must be known. */
bool
rcs_fronts_crowded(int64 now_us)
{
	ListCell *lc;

	foreach(lc, rooms)
	{
		Room *r = lfirst(lc);

		if (r->waiting > 0 && rcs_account_room(r->account, now_us) >= 0)
			return true;
	}
	return false;
}

/* True: something that waited may go. */
bool
rcs_fronts_wanted(int64 now_us, int64 *wait_us)
{
	ListCell *lc;

	foreach(lc, rooms)
	{
		Room *r = lfirst(lc);

		if (r->waiting == 0)
			continue;
		if (rcs_account_room(r->account, now_us) > 0)
			return true;
		*wait_us = Min(*wait_us, SECOND / 4); /* rcs_account_check() may open it at any time */
	}
	return false;
}
