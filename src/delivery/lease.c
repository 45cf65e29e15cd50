/*
 * lease.c
 *		Takes work: leases, and the intents of the next slice.
 *
 * All of it runs in a turn, and state.c applies it to memory when the turn has
 * committed.  This file must not know HTTP, answers and whose turn it is.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/fault_point.h"
#include "delivery/consent.h"
#include "delivery/fate.h"
#include "delivery/lease.h"
#include "delivery/lease_text.h"
#include "delivery/origin.h"
#include "media/image_ready.h"
#include "message/media_url.h"
#include "process/wakeup.h"
#include "process/worker.h"

#define ABSENT_MS 10000

/* ---------- leases ---------- */

static RcsLease *
make_lease(RcsLaneCampaign *campaign, MemoryContext cxt, RcsBatchRow *rows, int nrows)
{
	RcsLease *lease = MemoryContextAllocZero(cxt, sizeof(RcsLease));

	lease->cxt = cxt;
	lease->campaign = campaign;
	lease->campaign_no = campaign == NULL ? 0 : campaign->row.campaign_no;
	lease->refusals_seen = rcs_refusal_count();
	lease->rows = MemoryContextAllocZero(cxt, sizeof(RcsRow) * Max(nrows, 1));
	lease->nrows = nrows;
	for (int i = 0; i < nrows; i++)
		lease->rows[i].batch = rows[i];
	dlist_init(&lease->done);
	rcs_lease_taken(lease);
	return lease;
}

static RcsRow *
row_of(RcsLease *lease, const RcsMessageRow *m)
{
	if (lease->campaign != NULL)
		return &lease->rows[0];
	for (int i = 0; i < lease->nrows; i++)
		if (lease->rows[i].batch.origin == m->batch_id)
			return &lease->rows[i];
	return NULL;
}

static bool
was_canceled(const RcsBatchRow *b, int ord)
{
	for (int i = 0; i < b->ncanceled; i++)
		if (b->canceled[i] == ord)
			return true;
	return false;
}

static void
fill_lease(RcsLease *lease, RcsMessageRow *messages, int n)
{
	lease->items = MemoryContextAllocZero(lease->cxt, sizeof(RcsItem) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		RcsRow *row = row_of(lease, &messages[i]);
		RcsItem *item = &lease->items[lease->nitems];

		if (row == NULL)
			continue;
		if (was_canceled(&row->batch, messages[i].ord))
		{
			rcs_counts_add(&row->counts, RCS_CANCELED, 1);
			continue;
		}
		item->lease = lease;
		item->row = row;
		item->message = &messages[i];
		item->ad = lease->ads || (lease->campaign == NULL && messages[i].message != NULL &&
								  rcs_payload_is_ad(&messages[i].message->root));
		row->items++;
		row->open++;
		row->waiting++;
		lease->nitems++;
	}
	lease->open = lease->nitems;
	for (int i = 0; i < lease->nitems && !lease->ads; i++)
		lease->ads = lease->items[i].ad;
}

static MemoryContext
lease_context(void)
{
	return AllocSetContextCreate(TopMemoryContext, "rcs lease", ALLOCSET_DEFAULT_SIZES);
}

/* A message in doubt about which a report has come is not offered again. */
static void
settle_reported(RcsLease *lease)
{
	RcsItem **items = palloc(sizeof(RcsItem *) * lease->nitems);
	pg_uuid_t *ids = palloc(sizeof(pg_uuid_t) * lease->nitems);
	int *places = palloc(sizeof(int) * lease->nitems);
	int n = 0;

	for (int i = lease->next; i < lease->nitems; i++)
	{
		RcsItem *item = &lease->items[i];

		if (item->state != RCS_ITEM_WAITING || !rcs_fate_in_doubt(item))
			continue;
		ids[n] = item->message->id;
		items[n++] = item;
	}
	if (n > 0)
		n = rcs_outbox_reported(ids, n, places);
	for (int i = 0; i < n; i++)
	{
		rcs_fate_reported(items[places[i]]);
		rcs_item_decided(items[places[i]]);
	}
}

/*
 * A lease without a message to send: everything in it was canceled.  A batch
 * whose messages are not there at all belongs to a dump that is being loaded.
 */
static void
close_empty(RcsLease *lease)
{
	for (int i = 0; i < lease->nrows; i++)
	{
		RcsRow *row = &lease->rows[i];

		if (row->items > 0)
			continue;
		row->ended = true;
		if (!rcs_counts_any(&row->counts))
		{
			rcs_outbox_put_back(lease->campaign_no, &row->batch.batch_id, 1,
								TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ABSENT_MS),
								"its messages are not there");
			continue;
		}
		if (lease->campaign != NULL)
			rcs_outbox_tally(lease->campaign_no, &row->counts);
		rcs_outbox_close(lease->campaign_no, &row->batch.batch_id, 1);
	}
}

/* NULL: there was none. */
static RcsLease *
lease_of(RcsLaneCampaign *campaign, RcsBot *bot, RcsBatchRow *row, MemoryContext cxt)
{
	RcsMessageRow *messages;
	RcsLease *lease;
	int n;

	if (row == NULL)
	{
		MemoryContextDelete(cxt);
		return NULL;
	}
	RCS_FAULT("after-lease");
	lease = make_lease(campaign, cxt, row, 1);
	lease->version = row->version != 0 ? row->version : campaign->row.version;
	n = rcs_outbox_messages(campaign->row.campaign_no, row, cxt, &messages);
	if (bot != NULL && !rcs_lease_text_load(lease, bot))
		n = 0;
	fill_lease(lease, messages, n);
	rcs_origin_judge(messages, n);
	settle_reported(lease);
	close_empty(lease);
	return lease;
}

/* Its next batch in doubt. */
RcsLease *
rcs_lease_doubt(RcsLaneCampaign *campaign, RcsBot *bot, List *closed_servers)
{
	MemoryContext cxt = lease_context();

	return lease_of(campaign, bot,
					rcs_outbox_lease_doubt(campaign->row.campaign_no, rcs_worker_generation(),
										   closed_servers, cxt),
					cxt);
}

/* Without a bot the batch is taken before it is due as well: its campaign is over. */
RcsLease *
rcs_lease_batch(RcsLaneCampaign *campaign, RcsBot *bot, List *closed_servers)
{
	MemoryContext cxt = lease_context();
	TimestampTz due = bot == NULL ? DT_NOEND : GetCurrentTransactionStartTimestamp();
	RcsBatchRow *row =
		rcs_outbox_lease_batch(campaign->row.campaign_no, rcs_worker_generation(), closed_servers,
							   due, campaign->leased_due, campaign->leased_id, cxt);

	if (row != NULL)
	{
		campaign->leased_due = row->due_at;
		campaign->leased_id = row->batch_id;
	}
	return lease_of(campaign, bot, row, cxt);
}

RcsLease *
rcs_lease_singles(const int64 *ids, int nids)
{
	MemoryContext cxt = lease_context();
	RcsBatchRow *rows;
	RcsMessageRow *messages;
	RcsLease *lease;
	int64 *origins;
	int n = rcs_outbox_lease_singles(ids, nids, rcs_worker_generation(), cxt, &rows);

	if (n == 0)
	{
		MemoryContextDelete(cxt);
		return NULL;
	}
	RCS_FAULT("after-lease");
	lease = make_lease(NULL, cxt, rows, n);
	origins = palloc(sizeof(int64) * n);
	for (int i = 0; i < n; i++)
		origins[i] = rows[i].origin;
	n = rcs_outbox_single_messages(origins, n, cxt, &messages);
	fill_lease(lease, messages, n);
	rcs_origin_judge(messages, n);
	settle_reported(lease);
	close_empty(lease);
	return lease;
}

/* ---------- intents ---------- */

/* Builds the request of an item.  False: its fate is decided without an offer. */
static bool
build_body(RcsItem *item, TimestampTz now)
{
	RcsLease *lease = item->lease;
	RcsMessageRow *m = item->message;
	RcsPayload *payload = lease->payload;
	JsonbContainer *message;
	MemoryContext old;
	const char *missing = "its text";
	char *id;
	bool soon;

	if (!rcs_fate_before_offer(item, now))
		return false;
	id = DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&m->id)));
	soon = m->expires_at != 0 && m->expires_at < TimestampTzPlusMilliseconds(now, 600000);
	if (lease->campaign != NULL && lease->campaign->row.expires_at != 0)
		soon = lease->campaign->row.expires_at < TimestampTzPlusMilliseconds(now, 600000);
	if (payload == NULL && m->message != NULL)
	{
		message = rcs_image_fill(&m->message->root, item->account);
		if (message == NULL)
		{
			rcs_fate_image_gone(item);
			return false;
		}
		payload = rcs_payload_compile(message, &rcs_carrier_bot(m->chatbot)->sender, false);
	}
	old = MemoryContextSwitchTo(lease->cxt);
	initStringInfo(&item->body);
	MemoryContextSwitchTo(old);
	if (payload != NULL)
		missing =
			rcs_payload_render(payload, id, m->phone, m->params == NULL ? NULL : &m->params->root,
							   soon, &item->body);
	if (missing == NULL)
		return true;
	rcs_fate_cannot(item, missing);
	return false;
}

/* Decides the items that must not be offered any more, whatever account they need. */
void
rcs_lease_drop_late(RcsLease *lease)
{
	TimestampTz now = GetCurrentTimestamp();

	for (int i = lease->next; i < lease->nitems; i++)
		if (lease->items[i].state == RCS_ITEM_WAITING &&
			!rcs_fate_before_offer(&lease->items[i], now))
			rcs_item_decided(&lease->items[i]);
}

static void
add_intent(RcsIntentRow *intents, int *n, const RcsItem *item, int most)
{
	RcsIntentRow *last = *n == 0 ? NULL : &intents[*n - 1];

	if (last == NULL || last->batch_id != item->row->batch.origin)
	{
		last = &intents[(*n)++];
		last->batch_id = item->row->batch.origin;
		last->attempt = item->row->batch.attempt;
		last->version = item->lease->version;
		last->server = item->account->server;
		last->ords = palloc(sizeof(int) * (item->lease->campaign == NULL ? 1 : most));
	}
	last->ords[last->nords++] = item->message->ord;
}

/*
 * Write the intents of the next items of a lease; how many.  The rows are
 * locked.  Single messages have their account already; a slice of a campaign
 * goes through the one that is given.  Items that must not be offered are
 * decided here and written down by the next turn.
 */
int
rcs_lease_intend(RcsLease *lease, RcsAccount *account, int most)
{
	RcsIntentRow *intents = palloc0(sizeof(RcsIntentRow) * lease->nrows);
	int nintents = 0;
	int n = 0;
	TimestampTz now = GetCurrentTimestamp();
	int end = rcs_consent_look(lease, most);

	for (; lease->next < end && n < most; lease->next++)
	{
		RcsItem *item = &lease->items[lease->next];

		if (item->state != RCS_ITEM_WAITING)
			continue;
		if (account != NULL)
			item->account = account;
		if (!build_body(item, now))
		{
			rcs_item_decided(item);
			continue;
		}
		add_intent(intents, &nintents, item, most);
		rcs_item_intended(item);
		n++;
	}
	rcs_outbox_intents(lease->campaign_no, rcs_worker_generation(), intents, nintents);
	return n;
}

/* A single message that this turn has leased, but that cannot go now, goes back into the queue. */
void
rcs_lease_put_back(RcsItem *item, long delay_ms, const char *reason)
{
	rcs_outbox_put_back(0, &item->row->batch.batch_id, 1,
						TimestampTzPlusMilliseconds(GetCurrentTimestamp(), delay_ms), reason);
	rcs_item_put_back(item);
}
