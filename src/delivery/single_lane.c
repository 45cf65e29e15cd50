/*
 * single_lane.c
 *		The single lane: which messages go next.
 *
 * Commits hand their batch ids over through shared memory, and they are leased by key.
 * So the cost does not grow with the number of messages sent before, even while an old
 * transaction is open.  A scan finds messages that fall due later, and those that
 * nobody handed over.  It starts where the last one ended; once a minute, and when too
 * much was handed over at once, it starts from the beginning.  This file must not know
 * HTTP and answers.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "base/monotonic.h"
#include "delivery/fate.h"
#include "delivery/fronts.h"
#include "delivery/lease.h"
#include "delivery/single_lane.h"
#include "hold/hold_store.h"
#include "media/image_ready.h"
#include "process/wakeup.h"

#define NAP SECOND		  /* while something is sent: what was put back waits for a scan */
#define BUSY (3 * SECOND) /* ... and so long after it; then rcs_idle_nap_us() */
#define FULL_SCAN (60 * SECOND)
#define OVERLAP (10 * SECOND) /* a scan goes back so far before the last one */
#define HANDED_MAX 1000		  /* messages that were handed over, taken at once */
#define LOOK 10				  /* messages taken to see where they want to go */
#define LOOK_EVERY (SECOND / 4)
#define MISSED (5 * SECOND) /* what was locked is looked for again after that */
#define UNKNOWN_CHATBOT_MS 60000

static struct
{
	int64 ids[HANDED_MAX]; /* handed over, not yet leased */
	int nids;
	int64 scan_at_us;
	int64 full_scan_at_us;
	TimestampTz scan_due; /* a scan goes on after this place */
	int64 scan_id;
	int64 doubt_at_us;				/* messages in doubt are looked for */
	int64 found[2 * RCS_SLICE_MAX]; /* to be leased by this turn */
	int nfound;
	bool blind; /* ... none of which was looked at: some may be due later */
	bool doubt_had_turn;
	int64 busy_until_us;
	int64 look_at_us; /* an account was full or closed: until then only what has room */
} lane;

/* ---------- what is there ---------- */

/*
 * What waits for its account is left where it is (fronts.c), but what was handed over has
 * a place in shared memory only, and to look it up costs, so no more is taken than the
 * accounts have room for (below).  Now and then a few are taken all the same: they may be
 * for an account that this worker has not met yet.
 */
static int
room(int64 now_us)
{
	int most = rcs_carrier_space(now_us);

	if (now_us >= lane.look_at_us)
		most = Max(most, LOOK);
	return Min(most, RCS_SLICE_MAX);
}

/* Where many wait, all that was handed over is looked at, so that each sender has its turn. */
static int
handed_most(int64 now_us)
{
	return rcs_fronts_crowded(now_us) ? HANDED_MAX : room(now_us);
}

bool
rcs_single_lane_wanted(int64 now_us, int64 *wait_us)
{
	bool overflow = false;

	if (room(now_us) <= 0)
	{
		*wait_us = Min(*wait_us, lane.look_at_us - now_us);
		return false; /* a permit that is granted makes room, too */
	}
	if (lane.nids == 0)
		lane.nids = rcs_handover_take(MyDatabaseId, lane.ids, handed_most(now_us), &overflow);
	if (overflow)
		lane.scan_at_us = lane.full_scan_at_us = 0;
	if (lane.nids + lane.nfound > 0 || now_us >= lane.scan_at_us ||
		rcs_fronts_wanted(now_us, wait_us))
		return true;
	*wait_us = Min(*wait_us, lane.scan_at_us - now_us);
	return false;
}

static int64
nap(int64 now_us)
{
	return now_us < lane.busy_until_us ? NAP : rcs_idle_nap_us();
}

/* The next scan is at once if there may be more, else after a nap or when a message is due. */
static void
plan_scan(bool more, TimestampTz now, int64 now_us)
{
	TimestampTz next;

	if (more)
	{
		lane.scan_at_us = now_us;
		return;
	}
	lane.scan_due = now - OVERLAP;
	lane.scan_id = 0;
	lane.scan_at_us = now_us + nap(now_us);
	next = rcs_outbox_next_single();
	if (next != 0)
		lane.scan_at_us = Min(lane.scan_at_us, now_us + Max(next - now, 0) + 1);
}

static int
scan(int64 now_us, int64 *ids)
{
	bool more;
	int n;

	if (now_us >= lane.full_scan_at_us)
	{
		lane.scan_due = DT_NOBEGIN;
		lane.full_scan_at_us = now_us + FULL_SCAN;
	}
	n = rcs_fronts_survey(&lane.scan_due, &lane.scan_id, room(now_us), ids, &more);
	plan_scan(more, GetCurrentTransactionStartTimestamp(), now_us);
	return n;
}

/*
 * The carrier knows the ids in doubt for a while only, so they go before what was handed
 * over and what is due, of which there may be as much as takes minutes.  Turn about: those
 * of an account that cannot be used come again each second, and must not stop the others.
 */
static int
take_doubtful(int64 now_us, int64 *ids)
{
	int most = room(now_us);
	int n;

	if (most <= 0 || (now_us < lane.doubt_at_us && now_us < lane.scan_at_us))
		return 0;
	n = rcs_fronts_doubt(most, ids);
	lane.doubt_at_us = n == most ? now_us : now_us + nap(now_us);
	return n;
}

/* What was handed over, then what has waited, then what a scan finds. */
static int
gather(int64 now_us, int64 *ids)
{
	int handed = lane.nids;
	int n = 0;
	bool looked = true;

	lane.nids = 0;
	if (handed > 0)
		n = rcs_fronts_hand_over(lane.ids, handed, RCS_SLICE_MAX, ids, &looked);
	lane.blind = !looked;
	if (n < handed)
	{
		lane.look_at_us = now_us + LOOK_EVERY;
		lane.scan_at_us = Min(lane.scan_at_us, now_us + NAP); /* some may be due later */
	}
	n += rcs_fronts_take(RCS_SLICE_MAX, ids + n);
	if (n == 0 && handed == 0 && room(now_us) > 0 && now_us >= lane.scan_at_us)
		n = scan(now_us, ids);
	return n;
}

static void
find(int64 now_us)
{
	rcs_fronts_begin(now_us);
	lane.nfound = lane.doubt_had_turn ? gather(now_us, lane.found) : 0;
	lane.doubt_had_turn = false;
	if (lane.nfound == 0)
	{
		lane.nfound = take_doubtful(now_us, lane.found);
		lane.doubt_had_turn = lane.nfound > 0;
	}
	if (lane.nfound == 0)
		lane.nfound = gather(now_us, lane.found);
}

/*
 * Looks for what is due, early in a turn; a hold may still stop it.  True: there is
 * something to do.
 */
bool
rcs_single_lane_look(void)
{
	int64 now_us = rcs_now_us();

	if (lane.nfound == 0)
		find(now_us);
	if (lane.nfound > 0 || !dlist_is_empty(&rcs_delivery.leases))
	{
		lane.busy_until_us = now_us + BUSY;
		lane.scan_at_us = Min(lane.scan_at_us, now_us + NAP);
	}
	return lane.nfound > 0;
}

/* Something may wait that nobody has handed over. */
void
rcs_single_lane_look_anew(void)
{
	lane.scan_at_us = lane.full_scan_at_us = 0;
}

/* ---------- what to do with it ---------- */

static bool
has_images(RcsItem *item, RcsAccount *a, RcsImageWait *image)
{
	const RcsMessageRow *m = item->message;

	return m->message == NULL ||
		   rcs_image_ready(&m->message->root, a, m->chatbot, m->created_at, image);
}

static RcsAccount *
choose_account(RcsItem *item, RcsBot *bot, int64 now_us, bool *full, RcsImageWait *image)
{
	RcsAccount *best = NULL;
	ListCell *lc;
	List *servers = item->row->batch.server != NULL ? list_make1(item->row->batch.server)
													: bot->chatbot->servers;

	*full = false;
	image->reason[0] = '\0';
	foreach(lc, servers)
	{
		RcsAccount *a = rcs_carrier_account(lfirst(lc));
		int room_left = rcs_account_room(a, now_us);

		if (room_left < 0)
			continue;
		if (room_left == 0 && item->row->batch.unknown_since == 0)
			*full = true; /* one in doubt goes first, also when others have filled it */
		else if ((best == NULL || a->ready < best->ready) && has_images(item, a, image))
			best = a;
	}
	return best;
}

static void
wait_for_image(RcsItem *item, const RcsImageWait *image)
{
	if (!image->hopeless)
	{
		rcs_lease_put_back(item, image->delay_ms, image->reason);
		return;
	}
	rcs_fate_no_image(item, image->reason);
	rcs_item_decided(item);
}

static void
account_reason(RcsBot *bot, char reason[RCS_ACCOUNT_REASON + 32])
{
	RcsAccount *a;
	const char *hold;
	char why[RCS_ACCOUNT_REASON] = "";

	if (bot->chatbot->servers == NIL)
	{
		strlcpy(reason, "its chatbot names no account", RCS_ACCOUNT_REASON);
		return;
	}
	a = rcs_carrier_account(linitial(bot->chatbot->servers));
	hold = rcs_account_held(a);
	if (hold != NULL)
	{
		snprintf(reason, RCS_ACCOUNT_REASON + 32, RCS_ON_HOLD "%s", hold);
		return;
	}
	if (a->shared >= 0)
		rcs_account_reason(a->shared, a->login, why);
	else if (a->options != NULL && a->options->problem != NULL)
		strlcpy(why, a->options->problem, sizeof(why));
	snprintf(reason, RCS_ACCOUNT_REASON + 32, "account %s refused: %s", a->server, why);
}

/* Its account was closed or filled since the look at it: it keeps its place in the queue. */
static void
rest(RcsItem *item, const char *reason)
{
	const RcsBatchRow *b = &item->row->batch;

	rcs_outbox_put_back(0, &b->batch_id, 1, 0, reason);
	rcs_item_put_back(item);
	if (b->unknown_since == 0)
		rcs_fronts_rest(b->chatbot, b->sender, b->urgent, b->due_at, b->batch_id);
}

/* Give each message its account; put those back that cannot go now. */
static void
assign_accounts(RcsLease *lease)
{
	int64 now_us = rcs_now_us();

	for (int i = 0; i < lease->nitems; i++)
	{
		RcsItem *item = &lease->items[i];
		RcsAccount *account;
		RcsBot *bot = rcs_carrier_bot(item->message->chatbot);
		char reason[RCS_ACCOUNT_REASON + 32];
		RcsImageWait image;
		bool full;

		if (item->state != RCS_ITEM_WAITING)
			continue;
		if (bot->chatbot == NULL)
		{
			rcs_lease_put_back(item, UNKNOWN_CHATBOT_MS, "its chatbot is not there any more");
			continue;
		}
		account = choose_account(item, bot, now_us, &full, &image);
		if (account != NULL)
			rcs_item_reserve(item, account);
		else if (image.reason[0] != '\0')
		{
			wait_for_image(item, &image);
			continue;
		}
		else if (full)
			rest(item, "waiting for the account's rate");
		else
		{
			account_reason(bot, reason);
			rest(item, reason);
		}
		if (account == NULL)
			lane.look_at_us = now_us + LOOK_EVERY;
	}
	for (int i = 0; i < lease->nitems; i++)
		rcs_item_unreserve(&lease->items[i]);
}

void
rcs_single_lane_turn(void)
{
	int64 now_us = rcs_now_us();
	int asked = lane.nfound;
	RcsLease *lease;

	if (asked == 0)
		return;
	lease = rcs_lease_singles(lane.found, asked);
	lane.nfound = 0;
	if (lease == NULL || lease->nrows < asked)
	{
		lane.scan_at_us = Min(lane.scan_at_us, now_us + NAP / 50); /* locked, or due later */
		if (!lane.blind)										   /* its front has passed it */
			lane.full_scan_at_us = Min(lane.full_scan_at_us, now_us + MISSED);
	}
	if (lease != NULL && rcs_holds_reason() != NULL) /* the next turn hands it back */
		lane.full_scan_at_us = 0;
	if (lease == NULL || rcs_holds_reason() != NULL)
		return;
	rcs_lease_drop_late(lease);
	assign_accounts(lease);
	rcs_lease_intend(lease, NULL, lease->nitems);
}

/* The ids that were handed over are lost with the transaction: a full scan finds them. */
void
rcs_single_lane_rolled_back(void)
{
	lane.nids = lane.nfound = 0;
	lane.full_scan_at_us = 0;
	lane.scan_at_us = rcs_now_us() + SECOND;
}
