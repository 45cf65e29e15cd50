/*
 * state.c
 *		The state of items, leases and rows, and the counters that follow it.
 *
 * Every change of an item's state is made here, and with it those of the
 * counters: ready and paced of an account, ready and leases of a campaign,
 * nready, nflying and ndone of the worker.  A transaction that changes
 * something is noted here too, and its end applies the notes to memory or takes
 * them back.  It decides nothing, and knows no SQL and no HTTP.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "base/monotonic.h"
#include "delivery/state.h"

RcsDelivery rcs_delivery;

/* What the turn under way has changed. */
static struct
{
	MemoryContext cxt; /* of the lists */
	List *leases;	   /* those that it took, and those of which it closes an item */
	List *intended;	   /* of RcsItem */
	List *closing;	   /* of RcsItem */
	List *touched;	   /* of RcsRow */
} turn;

void
rcs_state_init(RcsSlot *slot)
{
	memset(&rcs_delivery, 0, sizeof(rcs_delivery));
	dlist_init(&rcs_delivery.leases);
	dlist_init(&rcs_delivery.ready);
	rcs_delivery.slot = slot;
	rcs_delivery.lane = slot->kind;
	turn.cxt = AllocSetContextCreate(TopMemoryContext, "rcs turn", ALLOCSET_DEFAULT_SIZES);
}

static List *
note(List *list, void *changed)
{
	MemoryContext old = MemoryContextSwitchTo(turn.cxt);

	list = lappend(list, changed);
	MemoryContextSwitchTo(old);
	return list;
}

static void
note_lease(RcsLease *lease)
{
	if (!list_member_ptr(turn.leases, lease))
		turn.leases = note(turn.leases, lease);
}

/* ---------- what waits for a permit ---------- */

static void
count_ready(RcsItem *item, int one)
{
	RcsLaneCampaign *c = item->lease->campaign;

	if (one > 0)
		item->paced = c != NULL && c->row.rate_per_minute > 0;
	item->account->ready += one;
	item->account->paced += item->paced ? one : 0;
	rcs_delivery.nready += one;
	if (c != NULL)
		c->ready += one;
}

static void
leave_ready(RcsItem *item)
{
	dlist_delete(&item->node);
	count_ready(item, -1);
}

/* In a turn: it will go through this account, so the next one finds less room there. */
void
rcs_item_reserve(RcsItem *item, RcsAccount *account)
{
	item->account = account;
	item->reserved = true;
	account->ready++;
}

/* Before its intent is written, which counts it. */
void
rcs_item_unreserve(RcsItem *item)
{
	if (!item->reserved)
		return;
	item->reserved = false;
	item->account->ready--;
}

/* ---------- in a turn ---------- */

/* WAITING -> INTENDED: its intent is written, and it counts as ready. */
void
rcs_item_intended(RcsItem *item)
{
	count_ready(item, 1);
	item->state = RCS_ITEM_INTENDED;
	turn.intended = note(turn.intended, item);
}

/* WAITING -> DONE: its fate is decided without an offer; the next turn writes it down. */
void
rcs_item_decided(RcsItem *item)
{
	item->state = RCS_ITEM_DONE;
	dlist_push_tail(&item->lease->done, &item->node);
	rcs_delivery.ndone++;
	item->row->waiting--;
}

/* WAITING -> GONE: of a lease that this turn took; its row is in the queue again. */
void
rcs_item_put_back(RcsItem *item)
{
	item->state = RCS_ITEM_GONE;
	item->row->ended = true;
	item->row->open--;
	item->row->waiting--;
	item->lease->open--;
}

/* WAITING, DONE -> CLOSING: it is written down, or it leaves the lease. */
void
rcs_item_closing(RcsItem *item)
{
	turn.closing = note(turn.closing, item);
	note_lease(item->lease);
	item->row->new_closed++;
	if (item->state == RCS_ITEM_WAITING)
		item->row->new_waiting++;
	item->state = RCS_ITEM_CLOSING;
}

/* Its row is locked or lost, until the end of the turn. */
void
rcs_row_touched(RcsRow *row)
{
	turn.touched = note(turn.touched, row);
}

/* A lease of this turn; the statement that took it has locked its rows. */
void
rcs_lease_taken(RcsLease *lease)
{
	note_lease(lease);
	for (int i = 0; i < lease->nrows; i++)
	{
		lease->rows[i].locked = true;
		rcs_row_touched(&lease->rows[i]);
	}
}

/* ---------- between turns ---------- */

/* READY -> FLYING: its request is under way. */
void
rcs_item_flying(RcsItem *item)
{
	leave_ready(item);
	rcs_delivery.nflying++;
	item->state = RCS_ITEM_FLYING;
}

/* READY, FLYING -> DONE: its fate is decided; the next turn writes it down. */
void
rcs_item_done(RcsItem *item)
{
	if (item->state == RCS_ITEM_FLYING)
		rcs_delivery.nflying--;
	else
		leave_ready(item);
	if (rcs_delivery.ndone++ == rcs_delivery.nstuck)
		rcs_delivery.done_since_us = rcs_now_us();
	item->state = RCS_ITEM_DONE;
	dlist_push_tail(&item->lease->done, &item->node);
	if (item->fate.outcome == RCS_ACCEPTED)
		pg_atomic_fetch_add_u64(&rcs_delivery.slot->accepted, 1);
	else if (item->fate.outcome == RCS_FAILED)
		pg_atomic_fetch_add_u64(&rcs_delivery.slot->failed, 1);
}

/* ---------- the turn has committed ---------- */

static void
free_body(RcsItem *item)
{
	if (item->body.data != NULL)
		pfree(item->body.data);
	item->body.data = NULL;
}

/* CLOSING -> GONE */
static void
item_gone(RcsItem *item)
{
	if (item->node.next != NULL)
	{
		dlist_delete(&item->node);
		rcs_delivery.ndone--;
	}
	free_body(item);
	item->state = RCS_ITEM_GONE;
	item->lease->open--;
}

/* What is urgent goes before what is not. */
static void
enter_ready(RcsItem *item)
{
	dlist_iter iter;

	if (item->row->batch.urgent)
		dlist_foreach(iter, &rcs_delivery.ready)
			if (!dlist_container(RcsItem, node, iter.cur)->row->batch.urgent)
			{
				dlist_insert_before(iter.cur, &item->node);
				return;
			}
	dlist_push_tail(&rcs_delivery.ready, &item->node);
}

/* INTENDED -> READY */
static void
item_ready(RcsItem *item)
{
	item->row->waiting--;
	item->state = RCS_ITEM_READY;
	enter_ready(item);
}

static void
forget_changes(RcsRow *row)
{
	row->locked = false;
	row->new_closed = row->new_waiting = 0;
	memset(&row->new_counts, 0, sizeof(row->new_counts));
}

/* True: it has a final outcome more than before. */
static bool
row_committed(RcsRow *row)
{
	bool final = rcs_counts_any(&row->new_counts);

	row->open -= row->new_closed;
	row->waiting -= row->new_waiting;
	rcs_counts_add_all(&row->counts, &row->new_counts);
	forget_changes(row);
	return final;
}

static bool
is_new(const RcsLease *lease)
{
	return lease->node.next == NULL;
}

static void
lease_committed(RcsLease *lease)
{
	if (!is_new(lease))
		return;
	dlist_push_tail(&rcs_delivery.leases, &lease->node);
	if (lease->campaign != NULL)
		lease->campaign->leases++;
}

static void
free_when_empty(RcsLease *lease)
{
	if (lease->open > 0)
		return;
	dlist_delete(&lease->node);
	if (lease->campaign != NULL)
	{
		lease->campaign->leases--;
		if (lease->campaign->current == lease)
			lease->campaign->current = NULL;
	}
	MemoryContextDelete(lease->cxt);
}

static void
forget_turn(void)
{
	turn.leases = turn.intended = turn.closing = turn.touched = NIL;
	MemoryContextReset(turn.cxt);
}

/* True: the turn has written final outcomes down. */
bool
rcs_state_committed(int64 now_us)
{
	bool final = false;
	ListCell *lc;

	foreach(lc, turn.closing)
		item_gone(lfirst(lc));
	foreach(lc, turn.touched)
		final |= row_committed(lfirst(lc));
	foreach(lc, turn.leases)
		lease_committed(lfirst(lc));
	foreach(lc, turn.intended)
		item_ready(lfirst(lc));
	foreach(lc, turn.leases)
		free_when_empty(lfirst(lc));
	forget_turn();
	rcs_delivery.nstuck = rcs_delivery.ndone;
	rcs_delivery.done_since_us = now_us;
	return final;
}

/* ---------- the turn was rolled back ---------- */

static void
waits_again(RcsItem *item)
{
	RcsLease *lease = item->lease;

	item->state = RCS_ITEM_WAITING;
	lease->next = Min(lease->next, (int) (item - lease->items));
	if (lease->campaign != NULL && !is_new(lease))
		lease->campaign->current = lease; /* as before the turn took a new one */
}

static void
not_closed(RcsItem *item)
{
	if (item->node.next != NULL)
		item->state = RCS_ITEM_DONE;
	else
		waits_again(item);
}

static void
not_intended(RcsItem *item)
{
	count_ready(item, -1);
	free_body(item);
	waits_again(item);
}

static void
row_rolled_back(RcsRow *row)
{
	row->lost = false;
	row->ended = false;
	forget_changes(row);
}

static void
lease_rolled_back(RcsLease *lease)
{
	if (!is_new(lease))
		return;
	for (int i = 0; i < lease->nitems; i++)
	{
		if (lease->items[i].state == RCS_ITEM_DONE)
			rcs_delivery.ndone--;
		rcs_item_unreserve(&lease->items[i]);
	}
	if (lease->campaign != NULL && lease->campaign->current == lease)
		lease->campaign->current = NULL;
	MemoryContextDelete(lease->cxt);
}

void
rcs_state_rolled_back(void)
{
	ListCell *lc;

	foreach(lc, turn.closing)
		not_closed(lfirst(lc));
	foreach(lc, turn.touched)
		row_rolled_back(lfirst(lc));
	foreach(lc, turn.intended)
		not_intended(lfirst(lc));
	foreach(lc, turn.leases)
		lease_rolled_back(lfirst(lc));
	forget_turn();
}
