/*
 * consent.c
 *		People at the moment of offering: who is erased, who refuses advertising, who
 *		has had enough of it today.
 *
 * Refusals are looked up for each slice of advertising, in the turn that writes its
 * intents.  A number in shared memory rises with each refusal and erasure.  When it
 * rises between intent and permit, everything that waits for a permit is looked up
 * again.  A message that is no advertising costs a comparison.  This file must not
 * know the ad hours, the permits and HTTP.
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/monotonic.h"
#include "delivery/ad_window.h"
#include "delivery/consent.h"
#include "delivery/fate.h"
#include "process/guc.h"
#include "process/txn.h"
#include "process/wakeup.h"
#include "queue/outbox_people.h"

/* Of all that is ready. */
static struct
{
	uint32 seen; /* rcs_refusal_count() when it was looked up */
	int64 not_before_us;
} ready;

/* ---------- looking people up ---------- */

static void
fill_person(RcsPerson *p, const RcsItem *item)
{
	const RcsMessageRow *m = item->message;

	p->campaign_no = item->lease->campaign_no;
	p->batch_id = item->row->batch.origin;
	p->ord = m->ord;
	p->phone = m->phone;
	p->chatbot = item->lease->campaign != NULL ? item->lease->campaign->row.chatbot : m->chatbot;
}

static void
fill_people(RcsPerson *people, RcsItem **items, int n)
{
	for (int i = 0; i < n; i++)
		fill_person(&people[i], items[i]);
}

/* Takes the number of each person that was erased. */
static void
look_erased(RcsItem **items, int n)
{
	RcsPerson *people = palloc(sizeof(RcsPerson) * Max(n, 1));
	int *places = palloc(sizeof(int) * Max(n, 1));

	fill_people(people, items, n);
	if (n > 0)
		n = rcs_outbox_erased(people, n, places);
	for (int i = 0; i < n; i++)
		items[places[i]]->message->phone = NULL;
}

/* Keeps the items that are advertising and have a number; how many. */
static int
only_ads(RcsItem **items, int n)
{
	int kept = 0;

	for (int i = 0; i < n; i++)
		if (items[i]->ad && items[i]->message->phone != NULL)
			items[kept++] = items[i];
	return kept;
}

static void
look_refused(RcsItem **items, int n)
{
	RcsPerson *people = palloc(sizeof(RcsPerson) * Max(n, 1));
	int *places = palloc(sizeof(int) * Max(n, 1));

	fill_people(people, items, n);
	if (n > 0)
		n = rcs_outbox_refused(people, n, places);
	for (int i = 0; i < n; i++)
		items[places[i]]->unwanted = RCS_OPTED_OUT;
}

static void
look_cap(RcsItem **items, int n, TimestampTz now)
{
	RcsPerson *people = palloc(sizeof(RcsPerson) * Max(n, 1));
	int *places = palloc(sizeof(int) * Max(n, 1));
	char day[RCS_AD_DAY_SIZE];
	int kept = 0;

	if (rcs_ad_daily_cap == 0)
		return;
	for (int i = 0; i < n; i++)
		if (items[i]->unwanted == RCS_WANTED)
			items[kept++] = items[i];
	if (kept == 0)
		return;
	rcs_ad_window_day(now, day);
	fill_people(people, items, kept);
	n = rcs_outbox_over_cap(people, kept, day, rcs_ad_daily_cap, places);
	for (int i = 0; i < n; i++)
		items[places[i]]->unwanted = RCS_OVER_CAP;
}

/* The messages of a lease may have been read before a person was erased. */
static void
refresh(RcsLease *lease)
{
	uint32 count = rcs_refusal_count();
	RcsItem **items;
	int n = 0;

	if (lease->refusals_seen == count)
		return;
	items = palloc(sizeof(RcsItem *) * lease->nitems);
	for (int i = lease->next; i < lease->nitems; i++)
		if (lease->items[i].state == RCS_ITEM_WAITING)
			items[n++] = &lease->items[i];
	look_erased(items, n);
	lease->refusals_seen = count;
}

/*
 * For a slice of so many: the index in the lease up to which it was looked at.
 * Advertising that may not go at all is decided here, so that a lease in which
 * hardly anything may leave does not become many slices.
 */
int
rcs_consent_look(RcsLease *lease, int most)
{
	TimestampTz now = GetCurrentTimestamp();
	RcsItem **items;
	int end;
	int n = 0;

	refresh(lease);
	if (!lease->ads)
		return lease->nitems;
	items = palloc(sizeof(RcsItem *) * lease->nitems);
	for (end = lease->next; end < lease->nitems && n < most; end++)
	{
		RcsItem *item = &lease->items[end];

		if (item->state != RCS_ITEM_WAITING)
			continue;
		item->unwanted = RCS_WANTED;
		if (rcs_fate_before_offer(item, now))
			items[n++] = item;
		else
			rcs_item_decided(item);
	}
	n = only_ads(items, n);
	look_refused(items, n);
	look_cap(items, n, now);
	return end;
}

/* ---------- at the permit ---------- */

/* In a turn, before anything is taken: with nothing ready there is nothing to look up. */
void
rcs_consent_turn(void)
{
	if (rcs_delivery.nready == 0)
		ready.seen = rcs_refusal_count();
}

static void
recheck(void *arg)
{
	RcsItem **items = palloc(sizeof(RcsItem *) * rcs_delivery.nready);
	int n = 0;
	dlist_iter iter;

	dlist_foreach(iter, &rcs_delivery.ready)
		items[n++] = dlist_container(RcsItem, node, iter.cur);
	look_erased(items, n);
	look_refused(items, only_ads(items, n));
}

/* May what is ready be offered, as far as is known at this moment? */
bool
rcs_consent_known(int64 now_us, int64 *wait_us)
{
	uint32 count = rcs_refusal_count(); /* before the snapshot */

	if (rcs_delivery.nready == 0 || count == ready.seen)
		return true;
	if (now_us >= ready.not_before_us && rcs_txn_run(recheck, NULL))
	{
		ready.seen = count;
		return true;
	}
	if (now_us >= ready.not_before_us)
		ready.not_before_us = now_us + SECOND;
	*wait_us = Min(*wait_us, ready.not_before_us - now_us);
	return false;
}
