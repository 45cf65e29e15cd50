/*
 * record.c
 *		Writes the fates of items down: results, retries, the end of a batch.
 *
 * Everything is done in a turn, under the row lock of the batch, which keeps out
 * rcs_cancel() and a worker that takes over.  state.c applies it to memory when the turn
 * has committed.  This file must not know HTTP and how a fate is decided.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/fault_point.h"
#include "delivery/record.h"
#include "delivery/retry.h"
#include "process/worker.h"

/* ---------- the lock ---------- */

static bool
is_canceled(const RcsRow *row, int ord)
{
	for (int i = 0; i < row->batch.ncanceled; i++)
		if (row->batch.canceled[i] == ord)
			return true;
	return false;
}

/* Messages that rcs_cancel() has written the results of only leave the lease. */
static void
drop_canceled(RcsLease *lease, RcsRow *row)
{
	for (int i = lease->next; i < lease->nitems && row->batch.ncanceled > 0; i++)
	{
		RcsItem *item = &lease->items[i];

		if (item->row != row || item->state != RCS_ITEM_WAITING ||
			!is_canceled(row, item->message->ord))
			continue;
		rcs_item_closing(item);
		rcs_counts_add(&row->new_counts, RCS_CANCELED, 1);
	}
}

static void
row_lost(RcsLease *lease, RcsRow *row)
{
	row->lost = true;
	rcs_row_touched(row);
	for (int i = lease->next; i < lease->nitems; i++)
	{
		RcsItem *item = &lease->items[i];

		if (item->row == row && item->state == RCS_ITEM_WAITING)
			rcs_item_closing(item);
	}
}

/* Lock rows of a lease that the transaction has not locked yet. */
static void
lock_rows(RcsLease *lease, RcsRow **rows, int n)
{
	int64 *ids = palloc(sizeof(int64) * n);
	RcsBatchRow *got;
	int ngot;

	for (int i = 0; i < n; i++)
		ids[i] = rows[i]->batch.batch_id;
	ngot = rcs_outbox_lock(lease->campaign_no, ids, n, rcs_worker_generation(),
						   CurrentMemoryContext, &got);
	for (int i = 0; i < n; i++)
	{
		for (int j = 0; j < ngot; j++)
		{
			if (got[j].batch_id != rows[i]->batch.batch_id)
				continue;
			rows[i]->locked = true;
			rows[i]->batch.canceled = got[j].canceled;
			rows[i]->batch.ncanceled = got[j].ncanceled;
			rcs_row_touched(rows[i]);
			drop_canceled(lease, rows[i]);
			break;
		}
	}
	if (ngot == n)
		return;
	/* The other rows are locked by another session for a moment, or they are not ours any more. */
	for (int i = 0; i < n; i++)
		if (!rows[i]->locked &&
			!rcs_outbox_owned(lease->campaign_no, ids[i], rcs_worker_generation()))
			row_lost(lease, rows[i]);
}

bool
rcs_record_lock(RcsLease *lease, RcsRow *row)
{
	if (!row->locked && !row->lost)
		lock_rows(lease, &row, 1);
	return row->locked;
}

/* Lock all rows that items in lease->done belong to. */
static void
lock_done(RcsLease *lease)
{
	RcsRow **rows = palloc(sizeof(RcsRow *) * lease->nrows);
	int n = 0;
	dlist_iter iter;

	dlist_foreach(iter, &lease->done)
	{
		RcsRow *row = dlist_container(RcsItem, node, iter.cur)->row;

		if (row->locked || row->lost || (n > 0 && rows[n - 1] == row) || n == lease->nrows)
			continue;
		rows[n++] = row;
	}
	if (n > 0)
		lock_rows(lease, rows, n);
}

/* ---------- results ---------- */

static void
fill_result(RcsResultRow *r, const RcsItem *item)
{
	r->batch_id = item->row->batch.origin;
	r->ord = item->message->ord;
	r->attempt = item->row->batch.attempt;
	r->outcome = item->fate.outcome;
	r->at = item->fate.at;
	r->code = item->fate.code[0] == '\0' ? NULL : item->fate.code;
	r->reason = item->fate.reason[0] == '\0' ? NULL : item->fate.reason;
	r->server = item->account == NULL ? NULL : item->account->server;
}

/* Writes items down, of rows that are locked or lost. */
static void
write_items(RcsLease *lease, RcsItem **items, int n)
{
	RcsResultRow *results = palloc(sizeof(RcsResultRow) * Max(n, 1));
	RcsRetries *retries = rcs_retries_begin(n);
	int nresults = 0;

	for (int i = 0; i < n; i++)
	{
		RcsItem *item = items[i];

		if (is_canceled(item->row, item->message->ord))
		{
			/* canceled before its fate could be written down */
			rcs_counts_add(&item->row->new_counts, RCS_CANCELED, 1);
		}
		else if (!item->row->lost)
		{
			if (item->fate.outcome != 0)
				fill_result(&results[nresults++], item);
			if (item->fate.again)
				rcs_retries_add(retries, item);
			rcs_counts_add(&item->row->new_counts, item->fate.outcome, 1);
		}
		rcs_item_closing(item);
	}
	if (nresults > 0)
	{
		RCS_FAULT("before-result");
		rcs_outbox_results(lease->campaign_no, results, nresults, rcs_delivery.failed);
	}
	rcs_retries_write(retries);
}

/* Write down what is done of a lease. */
static void
record_lease(RcsLease *lease)
{
	RcsItem **items = palloc(sizeof(RcsItem *) * lease->nitems);
	int n = 0;
	dlist_iter iter;

	lock_done(lease);
	dlist_foreach(iter, &lease->done)
	{
		RcsItem *item = dlist_container(RcsItem, node, iter.cur);

		if (item->row->locked || item->row->lost)
			items[n++] = item;
	}
	if (n > 0)
		write_items(lease, items, n);
}

void
rcs_record_turn(void)
{
	dlist_iter iter;

	dlist_foreach(iter, &rcs_delivery.leases)
	{
		RcsLease *lease = dlist_container(RcsLease, node, iter.cur);

		if (!dlist_is_empty(&lease->done))
			record_lease(lease);
	}
}

void
rcs_record_release(RcsLease *lease, long delay_ms, const char *reason)
{
	TimestampTz due_at =
		delay_ms == 0 ? 0 : TimestampTzPlusMilliseconds(GetCurrentTimestamp(), delay_ms);
	RcsItem **items = palloc(sizeof(RcsItem *) * lease->nitems);
	int64 *whole = palloc(sizeof(int64) * lease->nrows);
	int n = 0;
	int nwhole = 0;
	int next = lease->nitems;

	for (int i = 0; i < lease->nrows; i++)
	{
		RcsRow *row = &lease->rows[i];

		if (row->waiting == 0 || !rcs_record_lock(lease, row) || row->waiting < row->items)
			continue;
		row->ended = true;
		whole[nwhole++] = row->batch.batch_id;
	}
	for (int i = lease->next; i < lease->nitems; i++)
	{
		RcsItem *item = &lease->items[i];

		if (item->state != RCS_ITEM_WAITING)
			continue;
		if (!item->row->locked)
		{
			next = Min(next, i);
			continue;
		}
		if (item->row->ended)
		{
			rcs_item_closing(item);
			continue;
		}
		memset(&item->fate, 0, sizeof(item->fate));
		item->fate.again = true;
		item->fate.delay_ms = delay_ms;
		if (reason != NULL)
			strlcpy(item->fate.reason, reason, sizeof(item->fate.reason));
		items[n++] = item;
	}
	if (nwhole > 0)
		rcs_outbox_put_back(lease->campaign_no, whole, nwhole, due_at, reason);
	if (n > 0)
		write_items(lease, items, n);
	lease->next = next;
}

/* ---------- the end of a batch ---------- */

static void
tally(RcsLease *lease, const RcsRow *row)
{
	RcsCounts all = row->counts;

	rcs_counts_add_all(&all, &row->new_counts);
	rcs_outbox_tally(lease->campaign_no, &all);
}

/* The batches whose last message has been written down. */
static void
close_batches(RcsLease *lease)
{
	int64 *ids = palloc(sizeof(int64) * lease->nrows);
	int n = 0;

	for (int i = 0; i < lease->nrows; i++)
	{
		RcsRow *row = &lease->rows[i];

		if (!row->locked || row->ended || row->new_closed < row->open)
			continue;
		row->ended = true;
		if (lease->campaign_no > 0)
			tally(lease, row);
		ids[n++] = row->batch.batch_id;
	}
	if (n > 0)
		rcs_outbox_close(lease->campaign_no, ids, n);
}

void
rcs_record_turn_end(void)
{
	dlist_iter iter;

	dlist_foreach(iter, &rcs_delivery.leases)
		close_batches(dlist_container(RcsLease, node, iter.cur));
}
