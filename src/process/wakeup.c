/*
 * wakeup.c
 *		Hands the work that a transaction leaves for the workers over at its COMMIT.
 *
 * The ids of single messages' batches go through a ring per database, so that
 * the worker leases them by key, and workers for campaigns see that they should
 * step aside; everything else is a signal to look again.  A lost hand-over costs
 * time only: workers look now and then all the same.  A full ring makes them look at once,
 * and so does COMMIT PREPARED (ddl_hooks.c), since nothing is handed over at PREPARE
 * TRANSACTION; an id whose savepoint was rolled back needs no care.
 *
 * One transaction callback for the life of the backend; it runs in every
 * transaction of the server and leaves at its first line when there is nothing.
 * This file must not know the contents of a batch.
 */
#include "postgres.h"

#include "access/twophase.h"
#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "base/monotonic.h"
#include "process/ext_state.h"
#include "process/shmem.h"
#include "process/slots.h"
#include "process/wakeup.h"

#define MAX_RINGS 64
#define HURRY_US 10000		   /* others step aside for a single message so long after its COMMIT */
#define RING_SIZE 4096		   /* a power of two: positions wrap around */
#define IDLE_NAP (10 * SECOND) /* what comes without a wake-up is found after so long */

typedef struct Ring
{
	Oid dboid;
	int users;	   /* worker processes; 0 = not in use */
	uint32 head;   /* next to take */
	uint32 tail;   /* next to fill */
	bool overflow; /* there is more than the ring says: scan */
	pg_atomic_uint32 campaign;
	pg_atomic_uint32 chat;
	pg_atomic_uint32 count;
	pg_atomic_uint64 hurry_until_us; /* single messages commit, or have and may not have left */
	int64 ids[RING_SIZE];
} Ring;

typedef struct Shared
{
	pg_atomic_uint32
		refusals; /* not of one database: a ring may be missing, and this must not be lost */
	pg_atomic_uint32 steered; /* rises when a campaign of any database was steered */
	Ring rings[MAX_RINGS];
} Shared;

/* The work that this transaction will hand over. */
typedef struct Pending
{
	bool anything;
	bool single;
	bool campaign;
	bool steered;
	bool chat;
	bool count;
	bool refused;
	bool everything;
	bool probe;
	bool launcher;
	bool blocked; /* to be undone at any end */
	bool overflow;
	int n;
} Pending;

static Shared *shared = NULL;
static Pending pending;
static int64 pending_ids[RING_SIZE];

/* in a worker: the ring of its database */
static Ring *my_ring = NULL;

PG_FUNCTION_INFO_V1(rcs_request_workers);

static void
shared_init(void)
{
	pg_atomic_init_u32(&shared->refusals, 0);
	pg_atomic_init_u32(&shared->steered, 0);
	for (int i = 0; i < MAX_RINGS; i++)
	{
		pg_atomic_init_u32(&shared->rings[i].campaign, 0);
		pg_atomic_init_u32(&shared->rings[i].chat, 0);
		pg_atomic_init_u32(&shared->rings[i].count, 0);
		pg_atomic_init_u64(&shared->rings[i].hurry_until_us, 0);
	}
}

static LWLock *
ring_lock(void)
{
	return rcs_shmem_lock(RCS_LOCK_HANDOVER);
}

static Ring *
find_ring(Oid dboid)
{
	Assert(LWLockHeldByMe(ring_lock()));
	for (int i = 0; i < MAX_RINGS; i++)
	{
		if (shared->rings[i].users > 0 && shared->rings[i].dboid == dboid)
			return &shared->rings[i];
	}
	return NULL;
}

/* ---------- backend ---------- */

/* Once in a session.  The messages wait. */
static void
warn_if_nothing_sends(void)
{
	static bool looked = false;
	char *other;

	if (looked)
		return;
	looked = true;
	if (rcs_preloaded())
	{
		other = rcs_ext_other_version();
		if (other != NULL)
			ereport(
				WARNING,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg(
					 "the extension rcs has version %s and the loaded library %s, so nothing will be sent",
					 other, RCS_VERSION),
				 errhint(
					 "Restart the server if its library was replaced, and run ALTER EXTENSION rcs UPDATE.")));
		return;
	}
	ereport(WARNING, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					  errmsg("rcs is not in shared_preload_libraries, so nothing will be sent"),
					  errhint("Add rcs to shared_preload_libraries and restart the server.")));
}

void
rcs_wakeup_single(int64 batch_id)
{
	warn_if_nothing_sends();
	pending.anything = pending.single = true;
	if (pending.n < RING_SIZE)
		pending_ids[pending.n++] = batch_id;
	else
		pending.overflow = true;
}

void
rcs_wakeup_campaign(void)
{
	warn_if_nothing_sends();
	pending.anything = pending.campaign = true;
}

/* A campaign was steered: the workers look at it before they offer more of it. */
void
rcs_wakeup_steered(void)
{
	warn_if_nothing_sends();
	pending.anything = pending.steered = true;
}

/* Messages of users have come.  They are stored also without workers, so there is no warning. */
void
rcs_wakeup_chat(void)
{
	pending.anything = pending.chat = true;
}

/* There are reports to be counted, or changes to be numbered: within a second, without a latch. */
void
rcs_wakeup_count(void)
{
	pending.anything = pending.count = true;
}

/* A person has refused or was erased: workers look again before they offer more. */
void
rcs_wakeup_refused(void)
{
	pending.anything = pending.refused = true;
}

/* The launcher looks whether this database wants workers. */
void
rcs_wakeup_probe(void)
{
	pending.anything = pending.probe = true;
}

/* The workers of this database look at everything again, and whether it is still there. */
void
rcs_wakeup_everything(void)
{
	pending.anything = pending.everything = true;
}

/* The launcher reads the list of databases again. */
void
rcs_wakeup_launcher(void)
{
	pending.anything = pending.launcher = true;
}

/* No workers in that database from now to the end of this transaction, however it ends. */
void
rcs_wakeup_block(Oid dboid)
{
	pending.anything = pending.blocked = true;
	rcs_slots_block(dboid);
}

bool
rcs_wakeup_enqueued(void)
{
	return pending.single || pending.campaign || pending.steered;
}

Datum
rcs_request_workers(PG_FUNCTION_ARGS)
{
	warn_if_nothing_sends();
	rcs_wakeup_probe();
	PG_RETURN_VOID();
}

static void
hurry(Ring *ring)
{
	pg_atomic_write_u64(&ring->hurry_until_us, (uint64) (rcs_now_us() + HURRY_US));
}

static void
push_ids(Ring *ring)
{
	if (pending.n > 0)
		hurry(ring);
	for (int i = 0; i < pending.n && !ring->overflow; i++)
	{
		if (ring->tail - ring->head < RING_SIZE)
			ring->ids[ring->tail++ % RING_SIZE] = pending_ids[i];
		else
			ring->overflow = true;
	}
	if (pending.overflow || pending.everything)
		ring->overflow = true;
}

/* After the commit, so that the workers that are woken see it.  Must not raise. */
static void
hand_over(void)
{
	bool single = pending.single || pending.everything;
	bool campaign = pending.campaign || pending.steered || pending.everything;
	bool chat = pending.chat || pending.everything;
	bool count = pending.count || pending.everything;

	if (pending.refused)
		pg_atomic_fetch_add_u32(&shared->refusals, 1);
	if (pending.steered)
		pg_atomic_fetch_add_u32(&shared->steered, 1);
	if (single || campaign || chat || count)
	{
		Ring *ring;

		LWLockAcquire(ring_lock(), LW_EXCLUSIVE);
		ring = find_ring(MyDatabaseId);
		if (ring != NULL && single)
			push_ids(ring);
		if (ring != NULL && campaign)
			pg_atomic_fetch_add_u32(&ring->campaign, 1);
		if (ring != NULL && chat)
			pg_atomic_fetch_add_u32(&ring->chat, 1);
		if (ring != NULL && count)
			pg_atomic_fetch_add_u32(&ring->count, 1);
		LWLockRelease(ring_lock());
	}
	if (pending.everything)
		rcs_slots_recheck(MyDatabaseId);
	else
	{
		if (single)
			rcs_slots_wake(MyDatabaseId, RCS_WORKER_SINGLE);
		if (campaign)
			rcs_slots_wake(MyDatabaseId, RCS_WORKER_CAMPAIGN);
		if (chat)
			rcs_slots_wake(MyDatabaseId, RCS_WORKER_CHAT);
	}
	if (pending.probe)
		rcs_launcher_probe(MyDatabaseId);
	if (pending.launcher)
		rcs_launcher_wake();
}

/* Before the commit is flushed, so that the flushes of others do not stand before it. */
static void
announce(void)
{
	Ring *ring;

	LWLockAcquire(ring_lock(), LW_SHARED);
	ring = find_ring(MyDatabaseId);
	if (ring != NULL)
		hurry(ring);
	LWLockRelease(ring_lock());
}

static void
at_end_of_transaction(XactEvent event, void *arg)
{
	if (!pending.anything)
		return;
	if (event == XACT_EVENT_PRE_COMMIT && pending.n > 0 && rcs_preloaded())
		announce();
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)
		return;
	if (rcs_preloaded())
	{
		if (event == XACT_EVENT_COMMIT)
			hand_over();
		if (pending.blocked)
			rcs_slots_unblock();
	}
	memset(&pending, 0, sizeof(pending));
}

void
rcs_wakeup_init(void)
{
	rcs_shmem_register((void **) &shared, sizeof(Shared), shared_init, "rcs hand-over");
	RegisterXactCallback(at_end_of_transaction, NULL);
}

/* ---------- worker ---------- */

/* Without a free ring the worker finds its messages when it looks after a nap. */
void
rcs_handover_open(Oid dboid)
{
	LWLockAcquire(ring_lock(), LW_EXCLUSIVE);
	my_ring = find_ring(dboid);
	for (int i = 0; i < MAX_RINGS && my_ring == NULL; i++)
	{
		Ring *ring = &shared->rings[i];

		if (ring->users > 0)
			continue;
		ring->dboid = dboid;
		ring->head = ring->tail = 0;
		ring->overflow = false;
		my_ring = ring;
	}
	if (my_ring != NULL)
		my_ring->users++;
	LWLockRelease(ring_lock());
	if (my_ring == NULL)
		ereport(LOG,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("rcs hands messages over at commit in at most %d databases", MAX_RINGS),
				 errdetail("Messages of database %u wait for the next look at its queue.", dboid)));
}

/* For an exit hook: may be called again. */
void
rcs_handover_close(void)
{
	if (my_ring == NULL)
		return;
	LWLockAcquire(ring_lock(), LW_EXCLUSIVE);
	my_ring->users--;
	LWLockRelease(ring_lock());
	my_ring = NULL;
}

/* Takes up to max ids; overflow: there were more than could be handed over. */
int
rcs_handover_take(Oid dboid, int64 *ids, int max, bool *overflow)
{
	int n = 0;

	*overflow = false;
	if (my_ring == NULL)
		return 0;
	Assert(my_ring->dboid == dboid);
	LWLockAcquire(ring_lock(), LW_EXCLUSIVE);
	while (n < max && my_ring->head != my_ring->tail)
		ids[n++] = my_ring->ids[my_ring->head++ % RING_SIZE];
	*overflow = my_ring->overflow;
	my_ring->overflow = false;
	LWLockRelease(ring_lock());
	return n;
}

/* True: a single message of this worker's database is on its way to the carrier. */
bool
rcs_single_hurries(int64 now_us)
{
	return my_ring != NULL && (int64) pg_atomic_read_u64(&my_ring->hurry_until_us) > now_us;
}

/*
 * The worker for single messages has none in hand.  A message that is handed over right
 * now is not hurried.
 */
void
rcs_singles_have_left(void)
{
	if (my_ring != NULL && my_ring->head == my_ring->tail)
		pg_atomic_write_u64(&my_ring->hurry_until_us, 0);
}

/* Changes with each wake-up of the campaign lane of this worker's database. */
uint32
rcs_campaign_wake_count(Oid dboid)
{
	if (my_ring == NULL)
		return 0;
	Assert(my_ring->dboid == dboid);
	return pg_atomic_read_u32(&my_ring->campaign);
}

/* Changes whenever a campaign of any database was steered; read it before you look. */
uint32
rcs_steer_count(void)
{
	return pg_atomic_read_u32(&shared->steered);
}

/* Changes whenever messages of users have come to this worker's database. */
uint32
rcs_chat_wake_count(Oid dboid)
{
	if (my_ring == NULL)
		return 0;
	Assert(my_ring->dboid == dboid);
	return pg_atomic_read_u32(&my_ring->chat);
}

/* Changes whenever there are reports to be counted, or changes to be numbered. */
uint32
rcs_count_wake_count(void)
{
	return my_ring == NULL ? 0 : pg_atomic_read_u32(&my_ring->count);
}

int64
rcs_idle_nap_us(void)
{
	return my_ring == NULL ? SECOND : IDLE_NAP;
}

/* To be read before the snapshot of the statement that looks refusals up. */
uint32
rcs_refusal_count(void)
{
	uint32 count = pg_atomic_read_u32(&shared->refusals);

	pg_read_barrier();
	/* COMMIT PREPARED changes no count; where there may be one, the count changes each second */
	if (max_prepared_xacts > 0)
		count += (uint32) (GetCurrentTimestamp() / SECOND);
	return count;
}
