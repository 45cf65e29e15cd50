/*
 * retry.c
 *		Messages of one batch that go on together become a small batch of their own.
 *
 * What they have in common (outcome, delay, account, doubt) makes one group;
 * a group is one new row of rcs.batch that names the stored messages.  It
 * decides no fate.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/monotonic.h"
#include "delivery/fate.h"
#include "delivery/fronts.h"
#include "delivery/retry.h"

#define MAX_GROUPS 32

typedef struct Group
{
	RcsItem *like;
	int *ords;
	int n;
} Group;

struct RcsRetries
{
	Group groups[MAX_GROUPS];
	int n;
	int most; /* items that may be added */
};

static bool
goes_with(const Group *g, const RcsItem *item)
{
	const RcsFate *a = &g->like->fate;
	const RcsFate *b = &item->fate;

	return g->like->row == item->row && g->like->account == item->account &&
		   a->outcome == b->outcome && a->delay_ms == b->delay_ms && a->due_at == b->due_at &&
		   a->answer == b->answer && a->in_doubt == b->in_doubt;
}

static TimestampTz
retry_due(const RcsItem *item)
{
	long delay_ms = item->fate.delay_ms;

	if (item->fate.due_at != 0)
		return item->fate.due_at;
	if (item->fate.outcome == 0 && delay_ms == 0)
		return item->row->batch.due_at;
	if (delay_ms > 0) /* so that messages that failed together do not return together */
		delay_ms += (long) (rcs_now_us() % (delay_ms / 4 + 1));
	return TimestampTzPlusMilliseconds(GetCurrentTimestamp(), delay_ms);
}

/* Why it waits.  A stopped campaign gives the reason in its own row, for as long as it is stopped. */
static const char *
retry_reason(const RcsFate *f)
{
	if (strcmp(f->code, RCS_STOPPED) == 0)
		return NULL;
	if (f->reason[0] != '\0')
		return f->reason;
	return f->code[0] != '\0' ? f->code : NULL;
}

static void
write_group(Group *g)
{
	RcsItem *item = g->like;
	const RcsBatchRow *from = &item->row->batch;
	RcsBatchRow retry = *from;
	bool left = item->fate.outcome == RCS_REFUSED || item->fate.outcome == RCS_UNKNOWN;

	retry.attempt = from->attempt + 1;
	retry.answers = from->answers + (item->fate.answer ? 1 : 0);
	retry.due_at = retry_due(item);
	retry.ords = g->ords;
	retry.nords = g->n;
	if (left && item->lease->version > 0)
		retry.version = item->lease->version;
	if (item->fate.in_doubt)
	{
		if (retry.unknown_since == 0)
			retry.unknown_since = item->fate.at;
		retry.server = item->account->server;
	}
	rcs_outbox_retry(item->lease->campaign_no, &retry, retry_reason(&item->fate));
	if (item->lease->campaign == NULL && retry.due_at == from->due_at && retry.unknown_since == 0)
		rcs_fronts_rest(retry.chatbot, retry.sender, retry.urgent, retry.due_at, 0);
}

/* For up to so many items of one lease, in the memory of the transaction. */
RcsRetries *
rcs_retries_begin(int most)
{
	RcsRetries *r = palloc0(sizeof(RcsRetries));

	r->most = most;
	return r;
}

void
rcs_retries_add(RcsRetries *r, RcsItem *item)
{
	Group *g;
	int i;

	for (i = 0; i < r->n; i++)
		if (goes_with(&r->groups[i], item))
			break;
	if (i == MAX_GROUPS)
	{
		write_group(&r->groups[--i]);
		r->n--;
	}
	g = &r->groups[i];
	if (i == r->n)
	{
		g->like = item;
		g->ords = palloc(sizeof(int) * r->most);
		g->n = 0;
		r->n++;
	}
	g->ords[g->n++] = item->message->ord;
}

void
rcs_retries_write(RcsRetries *r)
{
	for (int i = 0; i < r->n; i++)
		write_group(&r->groups[i]);
	r->n = 0;
}
