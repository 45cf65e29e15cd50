/*
 * delivery_purge.c
 *		Purges what is older than rcs.keep, a few hundred messages at a time.
 *
 * Each chunk is a transaction of its own, between two turns, with a pause after it: sending
 * goes on, no lock and no snapshot is held for long.  It decides nothing about what is old enough.
 */
#include "postgres.h"

#include "delivery.h"
#include "guc.h"
#include "outbox.h"
#include "txn.h"

#define SECOND INT64CONST(1000000)
#define PAUSE (SECOND / 5)
#define AGAIN (60 * SECOND) /* after there was nothing more */
#define CHUNK 500

typedef enum Step
{
	CAMPAIGNS,
	SINGLES,
	REST
} Step;

static Step step = CAMPAIGNS;
static int64 place = 0; /* among the single messages */
static int64 due_us = 0;

static void
purge_chunk(void *arg)
{
	if (step == CAMPAIGNS)
	{
		if (rcs_outbox_purge_campaign(rcs_keep, CHUNK) == 0)
			step = SINGLES;
	}
	else if (step == SINGLES)
	{
		place = rcs_outbox_purge_singles(rcs_keep, place, CHUNK);
		if (place == 0)
			step = REST;
	}
	else
	{
		rcs_outbox_purge_rest(rcs_keep);
		step = CAMPAIGNS;
	}
}

/* By one worker of the database. */
void
rcs_purge_when_due(int64 now_us)
{
	Step before = step;
	int64 place_before = place;

	if (rcs_keep == 0 || now_us < due_us || delivery.draining ||
		delivery.lane != RCS_WORKER_CAMPAIGN || delivery.slot->index != 0)
		return;
	if (!rcs_txn_run(purge_chunk, NULL))
	{
		step = before;
		place = place_before;
	}
	due_us = rcs_now_us() + (before == REST ? AGAIN : PAUSE);
}
