/*
 * campaign_rate.c
 *		Campaigns with a rate of their own: one bucket for all workers.
 *
 * In a full table a new bucket takes the place of the one that was unused
 * longest.  That campaign gets an empty bucket later, so it is never too fast.  It
 * knows no account.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/spin.h"

#include "base/rate_limit.h"
#include "campaign/campaign_rate.h"
#include "process/shmem.h"

#define MAX_CAMPAIGNS 128

typedef struct CampaignRate
{
	Oid dboid;
	int64 campaign_no;
	int rate_per_minute;
	RcsBucket bucket;
} CampaignRate;

typedef struct Shared
{
	slock_t mutex;
	CampaignRate campaigns[MAX_CAMPAIGNS];
} Shared;

static Shared *shared = NULL;

static void
rates_init(void)
{
	SpinLockInit(&shared->mutex);
}

void
rcs_campaign_rate_init(void)
{
	rcs_shmem_register((void **) &shared, sizeof(Shared), rates_init, "rcs campaign rates");
}

/* The bucket of a campaign, in place of the one unused longest; mutex held. */
static CampaignRate *
campaign_rate(int64 campaign_no, int rate_per_minute, int64 now)
{
	CampaignRate *place = &shared->campaigns[0];

	for (int i = 0; i < MAX_CAMPAIGNS; i++)
	{
		CampaignRate *c = &shared->campaigns[i];

		if (c->campaign_no == campaign_no && c->dboid == MyDatabaseId)
		{
			place = c;
			break;
		}
		if (c->bucket.updated_us < place->bucket.updated_us)
			place = c;
	}
	if (place->campaign_no != campaign_no || place->dboid != MyDatabaseId)
	{
		memset(place, 0, sizeof(CampaignRate));
		place->dboid = MyDatabaseId;
		place->campaign_no = campaign_no;
		place->bucket.updated_us = now;
	}
	if (place->rate_per_minute != rate_per_minute)
	{
		place->rate_per_minute = rate_per_minute;
		rcs_bucket_set_rate(&place->bucket, rate_per_minute, now);
	}
	return place;
}

bool
rcs_campaign_permit(int64 campaign_no, int rate_per_minute, int64 now_us, int64 *wait_us)
{
	bool granted;

	SpinLockAcquire(&shared->mutex);
	granted = rcs_bucket_take(&campaign_rate(campaign_no, rate_per_minute, now_us)->bucket, now_us,
							  0, wait_us);
	SpinLockRelease(&shared->mutex);
	return granted;
}

void
rcs_campaign_give_back(int64 campaign_no, int rate_per_minute, int64 now_us)
{
	SpinLockAcquire(&shared->mutex);
	rcs_bucket_give_back(&campaign_rate(campaign_no, rate_per_minute, now_us)->bucket);
	SpinLockRelease(&shared->mutex);
}
