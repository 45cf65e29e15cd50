/*
 * consent.c
 *		The law at the moment of offering: refusals, erasure, ad hours, the cap.
 *
 * Refusals are looked up for each slice of advertising, in the transaction that
 * writes its intents.  What was refused between that and the permit is known by
 * a number in shared memory: if it has risen, everybody who waits for a permit
 * is looked up again.  What is no advertising costs a comparison.  It writes no
 * fate down and knows no HTTP.
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/monotonic.h"
#include "delivery/state.h"
#include "message/ad_hours.h"
#include "process/guc.h"
#include "process/txn.h"
#include "process/wakeup.h"
#include "queue/outbox_people.h"

/* The settings, as they were read last. */
static char *hours_text = NULL;
static RcsAdHours hours;
static int margin_s;
static bool applied = false;	 /* to what waits in the queue */
static bool applied_now = false; /* by the turn under way */

/* Where the present moment lies. */
static TimestampTz known_from = 0;
static TimestampTz known_until = 0;
static bool is_open;

/* Of all that is ready, somebody was looked up when the number was this. */
static uint32 ready_seen = 0;
static int64 recheck_at_us = 0;

/* ---------- ad hours ---------- */

/* The check hook has seen the text. */
static void
read_settings(void)
{
	if (hours_text != NULL && strcmp(hours_text, rcs_ad_hours) == 0 && margin_s == rcs_ad_margin)
		return;
	if (hours_text != NULL)
		pfree(hours_text);
	hours_text = MemoryContextStrdup(TopMemoryContext, rcs_ad_hours);
	margin_s = rcs_ad_margin;
	(void) rcs_ad_hours_parse(hours_text, &hours);
	known_until = 0;
	applied = false;
}

static bool
open_at(TimestampTz now)
{
	read_settings();
	if (now < known_from || now >= known_until)
	{
		is_open = rcs_ad_hours_open(&hours, margin_s, now, &known_until);
		known_from = now;
	}
	return is_open;
}

static void
closed_reason(char *reason, int size)
{
	strlcpy(reason, RCS_OUTSIDE_AD_HOURS, size);
	rcs_ad_hours_write(&hours, known_until, reason + strlen(reason), size - (int) strlen(reason));
}

/* May this leave at this hour?  If not: when, and in words why. */
bool
rcs_people_hour(const RcsItem *item, TimestampTz now, TimestampTz *due_at, char *reason, int size)
{
	if (!item->ad || item->message->night_consent || open_at(now))
		return true;
	*due_at = known_until;
	closed_reason(reason, size);
	return false;
}

/* What was put off by the hours may leave at an hour that comes again. */
void
rcs_people_clock_set_back(void)
{
	known_until = 0;
	applied = false;
}

/* Is a turn wanted, since the hours have changed for what waits? */
bool
rcs_people_wanted(void)
{
	read_settings();
	return !applied;
}

/* In a turn, before anything is taken. */
void
rcs_people_turn(void)
{
	char reason[RCS_REASON_SIZE];
	TimestampTz due_at = 0;

	applied_now = false;
	if (rcs_delivery.nready == 0)
		ready_seen = rcs_refusal_count();
	if (!rcs_people_wanted())
		return;
	if (!open_at(GetCurrentTimestamp()))
	{
		due_at = known_until;
		closed_reason(reason, sizeof(reason));
	}
	if (rcs_outbox_move_ads(rcs_delivery.lane == RCS_WORKER_SINGLE, due_at, reason))
		rcs_wakeup_campaign();
	applied = applied_now = true;
}

void
rcs_people_rolled_back(void)
{
	applied &= !applied_now;
}

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

/* Somebody who was erased has no number any more, here either. */
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

/* Of those items that are advertising and have somebody to go to. */
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
	read_settings();
	rcs_ad_hours_day(&hours, now, day);
	fill_people(people, items, kept);
	n = rcs_outbox_over_cap(people, kept, day, rcs_ad_daily_cap, places);
	for (int i = 0; i < n; i++)
		items[places[i]]->unwanted = RCS_OVER_CAP;
}

/* What is waiting in a lease may have been read before somebody was erased. */
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
rcs_people_look(RcsLease *lease, int most)
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
rcs_people_known(int64 now_us, int64 *wait_us)
{
	uint32 count = rcs_refusal_count(); /* before the snapshot */

	if (rcs_delivery.nready == 0 || count == ready_seen)
		return true;
	if (now_us >= recheck_at_us && rcs_txn_run(recheck, NULL))
	{
		ready_seen = count;
		return true;
	}
	if (now_us >= recheck_at_us)
		recheck_at_us = now_us + SECOND;
	*wait_us = Min(*wait_us, recheck_at_us - now_us);
	return false;
}
