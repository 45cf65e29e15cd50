/*
 * purge.c
 *		Purges what is older than rcs.keep, a few hundred messages at a time.
 *
 * Each chunk is a transaction of its own, between two turns, with a pause after it: sending
 * goes on, no lock and no snapshot is held for long.  It decides nothing about what is old enough.
 */
#include "postgres.h"

#include "base/monotonic.h"
#include "delivery/purge.h"
#include "delivery/state.h"
#include "process/guc.h"
#include "process/txn.h"
#include "queue/outbox.h"

#define PAUSE (SECOND / 5)
#define AGAIN (10 * SECOND) /* after a round that has purged everything */
#define CHUNK 500

typedef enum Step
{
	CAMPAIGNS,
	SINGLES,
	REST
} Step;

typedef struct Place
{
	Step step;
	int64 campaign_no; /* the campaign of the last chunk */
	int64 batch_id;	   /* up to which it is purged, or the single messages are */
} Place;

static Place place = {CAMPAIGNS, 0, 0};
static int64 due_us = 0;

static void
purge_chunk(void *arg)
{
	Place *next = arg;

	if (!rcs_outbox_purge_turn())
		return;
	if (next->step == CAMPAIGNS)
	{
		rcs_outbox_purge_campaign(rcs_keep, &next->campaign_no, &next->batch_id, CHUNK);
		if (next->campaign_no == 0)
			*next = (Place){SINGLES, 0, 0};
	}
	else if (next->step == SINGLES)
	{
		next->batch_id = rcs_outbox_purge_singles(rcs_keep, next->batch_id, CHUNK);
		if (next->batch_id == 0)
			next->step = REST;
	}
	else
	{
		rcs_outbox_purge_rest(rcs_keep);
		next->step = CAMPAIGNS;
	}
}

/* One worker of the database purges: one for campaigns, if there is any. */
static bool
is_ours(void)
{
	return rcs_delivery.slot->index == 0 &&
		   rcs_delivery.lane ==
			   (rcs_campaign_workers > 0 ? RCS_WORKER_CAMPAIGN : RCS_WORKER_SINGLE);
}

void
rcs_purge_when_due(int64 now_us)
{
	Place next = place;

	if (rcs_keep == 0 || now_us < due_us || rcs_delivery.draining || !is_ours())
		return;
	if (rcs_txn_run(purge_chunk, &next))
		place = next;
	due_us = rcs_now_us() + (next.step == CAMPAIGNS && next.campaign_no == 0 ? AGAIN : PAUSE);
}
