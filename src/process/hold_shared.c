/*
 * hold_shared.c
 *		Tells workers of a hold: of one that has committed, and of one that is
 *		still being made.
 *
 * The first is a number that rises, so that a worker reads rcs.hold before its
 * next offer.  The second cannot be seen in any table: rcs_hold() with "drain"
 * waits in its own transaction for the messages in flight, so it asks here for
 * silence, and COMMIT and ROLLBACK take that back.  At
 * COMMIT the number rises first, so that nothing leaves between the two.
 *
 * This file must not know the table of holds.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"

#include "process/hold_shared.h"
#include "process/shmem.h"
#include "process/slots.h"

#define MAX_REQUESTS 64

typedef struct Shared
{
	pg_atomic_uint32 version; /* rises with every change of rcs.hold, of any database */
	pg_atomic_uint32 number;  /* of the latest request */
	pg_atomic_uint32 nrequests;
	Oid requests[MAX_REQUESTS]; /* InvalidOid: not in use */
} Shared;

static Shared *shared = NULL;

/* of this transaction */
static bool announced = false;
static int my_request = -1;

static void
shared_init(void)
{
	pg_atomic_init_u32(&shared->version, 0);
	pg_atomic_init_u32(&shared->number, 0);
	pg_atomic_init_u32(&shared->nrequests, 0);
}

static void
wake_workers(void)
{
	rcs_slots_wake(MyDatabaseId, RCS_WORKER_SINGLE);
	rcs_slots_wake(MyDatabaseId, RCS_WORKER_CAMPAIGN);
}

/* ---------- any process ---------- */

void
rcs_hold_announce(void)
{
	announced = true;
}

static void
take_back_request(void)
{
	if (my_request < 0)
		return;
	LWLockAcquire(rcs_shmem_lock(RCS_LOCK_HOLD), LW_EXCLUSIVE);
	shared->requests[my_request] = InvalidOid;
	LWLockRelease(rcs_shmem_lock(RCS_LOCK_HOLD));
	pg_atomic_fetch_sub_u32(&shared->nrequests, 1);
	my_request = -1;
	wake_workers();
}

/* Must not raise.  A request lasts no longer than PREPARE: the prepared hold counts at its COMMIT. */
static void
at_end_of_transaction(XactEvent event, void *arg)
{
	if (!announced && my_request < 0)
		return;
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)
		return;
	if (event == XACT_EVENT_COMMIT && announced && rcs_preloaded())
	{
		pg_atomic_fetch_add_u32(&shared->version, 1);
		wake_workers();
	}
	take_back_request();
	announced = false;
}

void
rcs_hold_shared_init(void)
{
	rcs_shmem_register((void **) &shared, sizeof(Shared), shared_init, "rcs holds");
	RegisterXactCallback(at_end_of_transaction, NULL);
}

/* ---------- backend ---------- */

/* The number rises after the request can be seen: a worker that reads the number sees the request. */
uint32
rcs_hold_request(void)
{
	uint32 number;
	int i = my_request;

	if (!rcs_preloaded())
		return 0;
	if (i < 0)
	{
		LWLockAcquire(rcs_shmem_lock(RCS_LOCK_HOLD), LW_EXCLUSIVE);
		for (i = 0; i < MAX_REQUESTS && OidIsValid(shared->requests[i]); i++)
			;
		if (i < MAX_REQUESTS)
		{
			shared->requests[i] = MyDatabaseId;
			pg_atomic_fetch_add_u32(&shared->nrequests, 1);
			my_request = i;
		}
		LWLockRelease(rcs_shmem_lock(RCS_LOCK_HOLD));
	}
	if (i == MAX_REQUESTS)
		ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
						errmsg("too many transactions wait for rcs to drain"),
						errhint("Try again, or call rcs_hold without drain.")));
	number = pg_atomic_add_fetch_u32(&shared->number, 1);
	wake_workers();
	return number;
}

/* A worker that is only starting will see the request before its first offer. */
bool
rcs_hold_is_drained(uint32 number)
{
	RcsSlot *slots;
	bool drained = true;

	if (!rcs_preloaded())
		return true;
	slots = palloc(sizeof(RcsSlot) * RCS_MAX_SLOTS);
	rcs_slots_copy(slots);
	for (int i = 0; i < RCS_MAX_SLOTS && drained; i++)
	{
		if (slots[i].phase == RCS_SLOT_RUNNING && slots[i].dboid == MyDatabaseId &&
			(slots[i].kind == RCS_WORKER_SINGLE || slots[i].kind == RCS_WORKER_CAMPAIGN))
			drained = (int32) (pg_atomic_read_u32(&slots[i].silent_since) - number) >= 0;
	}
	pfree(slots);
	return drained;
}

/*
 * Worker.  The order of the calls matters: number, requested, version.
 */

uint32
rcs_hold_number(void)
{
	uint32 number = pg_atomic_read_u32(&shared->number);

	pg_read_barrier();
	return number;
}

bool
rcs_hold_requested(void)
{
	bool found = false;

	if (pg_atomic_read_u32(&shared->nrequests) > 0)
	{
		LWLockAcquire(rcs_shmem_lock(RCS_LOCK_HOLD), LW_SHARED);
		for (int i = 0; i < MAX_REQUESTS && !found; i++)
			found = shared->requests[i] == MyDatabaseId;
		LWLockRelease(rcs_shmem_lock(RCS_LOCK_HOLD));
	}
	pg_read_barrier();
	return found;
}

uint32
rcs_hold_version(void)
{
	return pg_atomic_read_u32(&shared->version);
}
