/*
 * slots.c
 *		Worker slots in shared memory, and the launcher's letter box.
 *
 * Everything here is guarded by RCS_LOCK_SLOTS and each function holds it for
 * some assignments only.  This file must not know how a worker is started, nor
 * its work.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/condition_variable.h"
#include "storage/latch.h"
#include "storage/procarray.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "base/monotonic.h"
#include "base/pg_compat.h"
#include "process/shmem.h"
#include "process/slots.h"

#define MAX_BLOCKS 64
#define BLOCKED_FOR (10 * SECOND) /* after the last lock that was not had in time */

/* A database in which nothing is started until this backend's transaction ends. */
typedef struct Block
{
	Oid dboid; /* InvalidOid: not in use */
	pid_t pid;
} Block;

typedef struct Shared
{
	pid_t launcher_pid; /* 0: there is none */
	PGPROC *launcher_proc;
	TimestampTz launcher_since;
	RcsProbes probes;
	ConditionVariable freed; /* a slot is free again */
	Block blocks[MAX_BLOCKS];
	RcsSlot slots[RCS_MAX_SLOTS];
} Shared;

static Shared *shared = NULL;

static void
shared_init(void)
{
	ConditionVariableInit(&shared->freed);
	for (int i = 0; i < RCS_MAX_SLOTS; i++)
	{
		pg_atomic_init_u32(&shared->slots[i].in_flight, 0);
		pg_atomic_init_u32(&shared->slots[i].silent_since, 0);
		pg_atomic_init_u64(&shared->slots[i].accepted, 0);
		pg_atomic_init_u64(&shared->slots[i].failed, 0);
		pg_atomic_init_u64(&shared->slots[i].round_at, 0);
		pg_atomic_init_u64(&shared->slots[i].recorded_at, 0);
		pg_atomic_init_u64(&shared->slots[i].busy_since, 0);
	}
}

void
rcs_slots_init(void)
{
	rcs_shmem_register((void **) &shared, sizeof(Shared), shared_init, "rcs slots");
}

const char *
rcs_worker_kind_name(RcsWorkerKind kind)
{
	static const char *const names[] = {"single", "campaign", "chat", "listener"};

	return names[kind];
}

static void
lock(LWLockMode mode)
{
	LWLockAcquire(rcs_shmem_lock(RCS_LOCK_SLOTS), mode);
}

static void
unlock(void)
{
	LWLockRelease(rcs_shmem_lock(RCS_LOCK_SLOTS));
}

static void
wake_launcher(void)
{
	Assert(LWLockHeldByMe(rcs_shmem_lock(RCS_LOCK_SLOTS)));
	if (shared->launcher_proc != NULL)
		SetLatch(&shared->launcher_proc->procLatch);
}

static void
wake_slot(RcsSlot *slot)
{
	Assert(LWLockHeldByMe(rcs_shmem_lock(RCS_LOCK_SLOTS)));
	if (slot->phase == RCS_SLOT_RUNNING)
		SetLatch(&slot->proc->procLatch);
}

/* The only place that frees a slot. */
static void
free_slot(RcsSlot *slot, RcsExitReason reason)
{
	Assert(LWLockHeldByMeInMode(rcs_shmem_lock(RCS_LOCK_SLOTS), LW_EXCLUSIVE));
	Assert(slot->phase != RCS_SLOT_FREE);
	slot->phase = RCS_SLOT_FREE;
	slot->exit_reason = reason;
	slot->pid = 0;
	slot->proc = NULL;
	pg_atomic_write_u32(&slot->in_flight, 0);
	wake_launcher();
}

/* ---------- worker ---------- */

/* NULL: the launcher has given this slot up, or another worker has it. */
RcsSlot *
rcs_slot_attach(int n, uint32 generation)
{
	RcsSlot *slot;
	TimestampTz now = GetCurrentTimestamp();
	bool mine;

	if (shared == NULL || n < 0 || n >= RCS_MAX_SLOTS)
		return NULL;
	slot = &shared->slots[n];
	lock(LW_EXCLUSIVE);
	mine = slot->phase == RCS_SLOT_STARTING && slot->generation == generation;
	if (mine)
	{
		slot->phase = RCS_SLOT_RUNNING;
		slot->pid = MyProcPid;
		slot->proc = MyProc;
		slot->since = now;
		pg_atomic_write_u64(&slot->accepted, 0);
		pg_atomic_write_u64(&slot->failed, 0);
		pg_atomic_write_u64(&slot->round_at, 0);
		pg_atomic_write_u64(&slot->busy_since, 0);
		slot->blocked_us = 0;
	}
	unlock();
	return mine ? slot : NULL;
}

void
rcs_slot_confirm(RcsSlot *slot)
{
	lock(LW_EXCLUSIVE);
	slot->confirmed = true;
	wake_launcher();
	unlock();
}

/* Lately this worker could not have a lock in time. */
bool
rcs_slot_is_blocked(const RcsSlot *slot)
{
	return slot->blocked_us != 0 && rcs_now_us() - slot->blocked_us < BLOCKED_FOR;
}

/* It has not had a lock in time.  True: this is news, no worker of its database was blocked. */
bool
rcs_slot_blocked(RcsSlot *slot)
{
	TimestampTz now = GetCurrentTimestamp();
	bool news = true;

	lock(LW_EXCLUSIVE);
	for (int i = 0; i < RCS_MAX_SLOTS && news; i++)
		news = shared->slots[i].dboid != slot->dboid || !rcs_slot_is_blocked(&shared->slots[i]);
	if (!rcs_slot_is_blocked(slot))
		slot->blocked_since = now;
	slot->blocked_us = rcs_now_us();
	unlock();
	return news;
}

/* For an exit hook: may be called again, and by a process that has lost the slot. */
void
rcs_slot_detach(RcsSlot *slot, RcsExitReason reason)
{
	bool mine;

	lock(LW_EXCLUSIVE);
	mine = slot->phase == RCS_SLOT_RUNNING && slot->pid == MyProcPid;
	if (mine)
		free_slot(slot, reason);
	unlock();
	if (mine)
		ConditionVariableBroadcast(&shared->freed);
}

void
rcs_slot_set_state(RcsSlot *slot, const char *state)
{
	/* no other process writes it, so reading it needs no lock */
	if (strncmp(slot->state, state, RCS_SLOT_STATE_LEN - 1) == 0)
		return;
	lock(LW_EXCLUSIVE);
	strlcpy(slot->state, state, RCS_SLOT_STATE_LEN);
	unlock();
}

/* ---------- launcher ---------- */

void
rcs_launcher_attach(void)
{
	TimestampTz now = GetCurrentTimestamp();

	lock(LW_EXCLUSIVE);
	shared->launcher_pid = MyProcPid;
	shared->launcher_proc = MyProc;
	shared->launcher_since = now;
	unlock();
}

void
rcs_launcher_detach(void)
{
	lock(LW_EXCLUSIVE);
	if (shared->launcher_pid == MyProcPid)
	{
		shared->launcher_pid = 0;
		shared->launcher_proc = NULL;
	}
	unlock();
}

/* A backend that is gone blocks nothing, even if it has left its block behind. */
static bool
is_blocked(Oid dboid)
{
	for (int i = 0; i < MAX_BLOCKS; i++)
	{
		Block *block = &shared->blocks[i];

		if (block->dboid != dboid)
			continue;
		if (BackendPidGetProc(block->pid) != NULL)
			return true;
		block->dboid = InvalidOid;
	}
	return false;
}

RcsReserve
rcs_slot_reserve(int n, Oid dboid, RcsWorkerKind kind, int index, uint32 *generation)
{
	RcsSlot *slot = &shared->slots[n];
	TimestampTz now = GetCurrentTimestamp();
	RcsReserve answer = RCS_RESERVED;

	lock(LW_EXCLUSIVE);
	if (slot->phase != RCS_SLOT_FREE)
		answer = RCS_RESERVE_TAKEN;
	else if (is_blocked(dboid))
		answer = RCS_RESERVE_BLOCKED;
	else
	{
		/* a worker that dies again and again has recorded nothing since the first one did */
		if (slot->dboid != dboid || slot->kind != kind)
			pg_atomic_write_u64(&slot->recorded_at, (uint64) now);
		slot->phase = RCS_SLOT_STARTING;
		slot->dboid = dboid;
		slot->kind = kind;
		slot->index = index;
		slot->stop = slot->drain_short = slot->recheck = slot->confirmed = false;
		slot->exit_reason = RCS_EXIT_NONE;
		slot->since = now;
		strlcpy(slot->state, "starting", RCS_SLOT_STATE_LEN);
		*generation = ++slot->generation;
	}
	unlock();
	return answer;
}

/* Takes back a slot whose process never came; false when it has come. */
bool
rcs_slot_abandon(int n, uint32 generation)
{
	RcsSlot *slot = &shared->slots[n];
	bool mine;

	lock(LW_EXCLUSIVE);
	mine = slot->phase == RCS_SLOT_STARTING && slot->generation == generation;
	if (mine)
		free_slot(slot, RCS_EXIT_ERROR);
	unlock();
	if (mine)
		ConditionVariableBroadcast(&shared->freed);
	return mine;
}

bool
rcs_slot_stop(int n, uint32 generation)
{
	RcsSlot *slot = &shared->slots[n];
	bool told;

	lock(LW_EXCLUSIVE);
	told = slot->phase != RCS_SLOT_FREE && slot->generation == generation && !slot->stop;
	if (told)
	{
		slot->stop = true;
		wake_slot(slot);
	}
	unlock();
	return told;
}

void
rcs_slots_copy(RcsSlot *out)
{
	lock(LW_SHARED);
	memcpy(out, shared->slots, sizeof(shared->slots));
	unlock();
}

pid_t
rcs_launcher_pid(TimestampTz *since)
{
	pid_t pid;

	lock(LW_SHARED);
	pid = shared->launcher_pid;
	*since = shared->launcher_since;
	unlock();
	return pid;
}

void
rcs_slots_take_probes(RcsProbes *probes)
{
	lock(LW_EXCLUSIVE);
	*probes = shared->probes;
	shared->probes.n = 0;
	shared->probes.all = false;
	unlock();
}

/* ---------- any backend ---------- */

void
rcs_slots_wake(Oid dboid, RcsWorkerKind kind)
{
	if (shared == NULL)
		return;
	lock(LW_SHARED);
	for (int i = 0; i < RCS_MAX_SLOTS; i++)
	{
		if (shared->slots[i].dboid == dboid && shared->slots[i].kind == kind)
			wake_slot(&shared->slots[i]);
	}
	unlock();
}

/* The workers of this database look at once whether the extension is still there. */
void
rcs_slots_recheck(Oid dboid)
{
	if (shared == NULL)
		return;
	lock(LW_EXCLUSIVE);
	for (int i = 0; i < RCS_MAX_SLOTS; i++)
	{
		if (shared->slots[i].dboid != dboid)
			continue;
		shared->slots[i].recheck = true;
		wake_slot(&shared->slots[i]);
	}
	unlock();
}

void
rcs_launcher_probe(Oid dboid)
{
	RcsProbes *probes;
	int i;

	if (shared == NULL)
		return;
	probes = &shared->probes;
	lock(LW_EXCLUSIVE);
	for (i = 0; i < probes->n && probes->dboid[i] != dboid; i++)
		;
	if (i == RCS_MAX_PROBES)
		probes->all = true;
	else if (i == probes->n)
		probes->dboid[probes->n++] = dboid;
	wake_launcher();
	unlock();
}

/* The launcher reads pg_database again. */
void
rcs_launcher_wake(void)
{
	if (shared == NULL)
		return;
	lock(LW_SHARED);
	wake_launcher();
	unlock();
}

/*
 * From here to the end of this backend's transaction nothing is started in the
 * database, and the workers there are told to leave quickly.
 */
void
rcs_slots_block(Oid dboid)
{
	int i;

	lock(LW_EXCLUSIVE);
	for (i = 0; i < MAX_BLOCKS && OidIsValid(shared->blocks[i].dboid); i++)
		;
	if (i < MAX_BLOCKS)
	{
		shared->blocks[i].dboid = dboid;
		shared->blocks[i].pid = MyProcPid;
		for (int n = 0; n < RCS_MAX_SLOTS; n++)
		{
			RcsSlot *slot = &shared->slots[n];

			if (slot->phase == RCS_SLOT_FREE || slot->dboid != dboid)
				continue;
			slot->drain_short = true;
			slot->stop = true;
			wake_slot(slot);
		}
	}
	unlock();
	if (i == MAX_BLOCKS)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("too many databases are being dropped, renamed, moved or copied at once")));
}

static bool
all_gone(Oid dboid)
{
	bool gone = true;

	lock(LW_SHARED);
	for (int i = 0; i < RCS_MAX_SLOTS && gone; i++)
		gone = shared->slots[i].phase == RCS_SLOT_FREE || shared->slots[i].dboid != dboid;
	unlock();
	return gone;
}

bool
rcs_slots_wait_gone(Oid dboid, long timeout_ms)
{
	int64 end = rcs_now_us() + timeout_ms * INT64CONST(1000);
	bool gone;

	ConditionVariablePrepareToSleep(&shared->freed);
	while (!(gone = all_gone(dboid)))
	{
		long left = (long) ((end - rcs_now_us() + 999) / 1000);

		if (left <= 0)
			break;
		(void) ConditionVariableTimedSleep(&shared->freed, left, RcsWaitEvent("RcsWorkersGone"));
	}
	ConditionVariableCancelSleep();
	return gone;
}

void
rcs_slots_unblock(void)
{
	lock(LW_EXCLUSIVE);
	for (int i = 0; i < MAX_BLOCKS; i++)
	{
		if (OidIsValid(shared->blocks[i].dboid) && shared->blocks[i].pid == MyProcPid)
			shared->blocks[i].dboid = InvalidOid;
	}
	wake_launcher();
	unlock();
}
