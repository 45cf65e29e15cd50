/*
 * slots.h
 *		The slots of the worker processes in shared memory, and their databases.
 */
#ifndef RCS_SLOTS_H
#define RCS_SLOTS_H

#include "datatype/timestamp.h"
#include "port/atomics.h"
#include "storage/proc.h"

#define RCS_MAX_SLOTS 128
#define RCS_SLOT_STATE_LEN 24

typedef enum RcsWorkerKind
{
	RCS_WORKER_SINGLE,
	RCS_WORKER_CAMPAIGN,
	RCS_WORKER_CHAT,
	RCS_WORKER_LISTENER
} RcsWorkerKind;
#define RCS_WORKER_KINDS (RCS_WORKER_LISTENER + 1)

typedef enum RcsSlotPhase
{
	RCS_SLOT_FREE,
	RCS_SLOT_STARTING, /* asked of the postmaster */
	RCS_SLOT_RUNNING   /* a process has it */
} RcsSlotPhase;

/* The reason why the process of a slot is gone; kept until the slot is used again. */
typedef enum RcsExitReason
{
	RCS_EXIT_NONE,
	RCS_EXIT_ABSENT,	 /* the database has no such extension */
	RCS_EXIT_VERSION,	 /* it has one of another version */
	RCS_EXIT_ASKED,		 /* the slot was told to stop */
	RCS_EXIT_TERMINATED, /* SIGTERM */
	RCS_EXIT_HANDLER,	 /* a handler of a user would not end */
	RCS_EXIT_ERROR
} RcsExitReason;

/*
 * Everything is guarded by RCS_LOCK_SLOTS, but for the atomics, and for stop,
 * drain_short and recheck, which their own worker reads without it: a stale
 * answer is put right by the latch that follows.
 *
 * Only the launcher takes a free slot; only the worker in it, or the launcher
 * for a worker that never came, frees it.
 */
typedef struct RcsSlot
{
	RcsSlotPhase phase;
	Oid dboid;
	RcsWorkerKind kind;
	int index;		   /* number in its database and kind, from 0 */
	uint32 generation; /* rises with each use: an old handle is recognised */
	pid_t pid;
	PGPROC *proc; /* in shared memory, valid while RUNNING */
	volatile bool stop;
	volatile bool drain_short;
	volatile bool recheck; /* look whether the extension is still there */
	bool confirmed;		   /* this run has found the extension */
	RcsExitReason exit_reason;
	TimestampTz since;
	char state[RCS_SLOT_STATE_LEN];
	int64 blocked_us; /* rcs_now_us() when it last could not have a lock in time; 0: never */
	TimestampTz blocked_since;
	pg_atomic_uint32 in_flight;
	pg_atomic_uint32 silent_since; /* hold_shared.c: the request under which nothing is open */
	pg_atomic_uint64 accepted;
	pg_atomic_uint64 failed;
	/* moments, as TimestampTz */
	pg_atomic_uint64 round_at;	  /* its loop has gone round; 0: not yet */
	pg_atomic_uint64 recorded_at; /* a final outcome was written down; outlives its worker */
	pg_atomic_uint64 busy_since;  /* it has had messages in hand; 0: it has none */
} RcsSlot;

/* The databases that the launcher is asked to look at. */
#define RCS_MAX_PROBES 64
typedef struct RcsProbes
{
	bool all; /* more than the list holds: every database */
	int n;
	Oid dboid[RCS_MAX_PROBES];
} RcsProbes;

extern void rcs_slots_init(void);
extern const char *rcs_worker_kind_name(RcsWorkerKind kind);
extern void rcs_slot_set_state(RcsSlot *slot, const char *state);

/* worker */
extern RcsSlot *rcs_slot_attach(int n, uint32 generation);
extern void rcs_slot_confirm(RcsSlot *slot);
extern bool rcs_slot_blocked(RcsSlot *slot);
extern bool rcs_slot_is_blocked(const RcsSlot *slot);
extern void rcs_slot_detach(RcsSlot *slot, RcsExitReason reason);

/* launcher */
typedef enum RcsReserve
{
	RCS_RESERVED,
	RCS_RESERVE_TAKEN,	/* the slot is in use */
	RCS_RESERVE_BLOCKED /* the database is busy with a statement of DDL */
} RcsReserve;

extern void rcs_launcher_attach(void);
extern void rcs_launcher_detach(void);
extern RcsReserve rcs_slot_reserve(int n, Oid dboid, RcsWorkerKind kind, int index,
								   uint32 *generation);
extern bool rcs_slot_abandon(int n, uint32 generation);
extern bool rcs_slot_stop(int n, uint32 generation);
extern void rcs_slots_copy(RcsSlot *out);		   /* RCS_MAX_SLOTS of them */
extern pid_t rcs_launcher_pid(TimestampTz *since); /* 0: none */
extern void rcs_slots_take_probes(RcsProbes *probes);

/* any backend; no effect when the library is not preloaded */
extern void rcs_slots_wake(Oid dboid, RcsWorkerKind kind);
extern void rcs_slots_recheck(Oid dboid);
extern void rcs_launcher_probe(Oid dboid);
extern void rcs_launcher_wake(void);

/* DDL on a database: its workers leave and none is started before the end */
extern void rcs_slots_block(Oid dboid);
extern bool rcs_slots_wait_gone(Oid dboid, long timeout_ms);
extern void rcs_slots_unblock(void);

#endif /* RCS_SLOTS_H */
