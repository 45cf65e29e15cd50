/*
 * verdict.c
 *		The share of failures among the latest messages of a campaign, over all workers.
 *
 * Only the carrier's definite verdicts are counted.  Older verdicts weigh less and
 * less: both counts are halved when they reach a limit.  In a full table a new
 * campaign takes the place of the one that was unused longest.  It knows no
 * message.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/spin.h"

#include "campaign/verdict.h"
#include "process/shmem.h"

#define MAX_CAMPAIGNS 128
#define LATEST 1000 /* verdicts that count; "least", if that is higher */

typedef struct Verdicts
{
	Oid dboid;
	int64 campaign_no;
	TimestampTz since;
	uint64 used; /* value of the clock at the latest use */
	int answered;
	int failed;
} Verdicts;

typedef struct Shared
{
	slock_t mutex;
	uint64 clock;
	Verdicts campaigns[MAX_CAMPAIGNS];
} Shared;

static Shared *shared = NULL;

static void
verdicts_init(void)
{
	SpinLockInit(&shared->mutex);
}

void
rcs_campaign_verdict_init(void)
{
	rcs_shmem_register((void **) &shared, sizeof(Shared), verdicts_init, "rcs campaign verdicts");
}

/* Mutex held. */
static Verdicts *
find_place(int64 campaign_no)
{
	Verdicts *place = &shared->campaigns[0];

	for (int i = 0; i < MAX_CAMPAIGNS; i++)
	{
		Verdicts *v = &shared->campaigns[i];

		if (v->campaign_no == campaign_no && v->dboid == MyDatabaseId)
			return v;
		if (v->used < place->used)
			place = v;
	}
	memset(place, 0, sizeof(Verdicts));
	place->dboid = MyDatabaseId;
	place->campaign_no = campaign_no;
	return place;
}

bool
rcs_campaign_verdict(int64 campaign_no, TimestampTz since, bool failed, int percent, int least,
					 int *nfailed, int *nanswered)
{
	Verdicts *v;
	bool failing = false;

	SpinLockAcquire(&shared->mutex);
	v = find_place(campaign_no);
	v->used = ++shared->clock;
	if (since > v->since)
	{
		v->since = since;
		v->answered = v->failed = 0;
	}
	if (since == v->since)
	{
		if (v->answered >= 2 * Max(LATEST, least))
		{
			v->answered /= 2;
			v->failed /= 2;
		}
		v->answered++;
		v->failed += failed;
		failing = v->answered >= least && (int64) v->failed * 100 >= (int64) percent * v->answered;
	}
	*nfailed = v->failed;
	*nanswered = v->answered;
	SpinLockRelease(&shared->mutex);
	return failing;
}
