/*
 * own_lock.c
 *		Locks that only this extension can take.
 *
 * Anybody who may connect can take any advisory lock, so ours have a tag type that
 * pg_advisory_lock never makes.  The lock method is the same, though:
 * pg_advisory_unlock_all gives our session locks back, too.  So they are remembered
 * here.  This file must not know what a lock protects.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "process/own_lock.h"

typedef struct Held
{
	LOCKTAG tag;
	LOCKMODE mode;
} Held;

/* session locks of this process, the latest last */
static Held *held = NULL;
static int n_held = 0;
static int room = 0;

static LOCKTAG
tag_of(RcsOwnLock what, int64 key)
{
	LOCKTAG tag;

	SET_LOCKTAG_ADVISORY(tag, what == RCS_OWN_POLL ? InvalidOid : MyDatabaseId,
						 (uint32) ((uint64) key >> 32), (uint32) key, what);
	tag.locktag_type = LOCKTAG_USERLOCK;
	return tag;
}

bool
rcs_own_lock(RcsOwnLock what, int64 key, LOCKMODE mode, bool wait)
{
	LOCKTAG tag = tag_of(what, key);

	return LockAcquire(&tag, mode, false, !wait) != LOCKACQUIRE_NOT_AVAIL;
}

/* ---------- session locks ---------- */

/* Before the lock is taken: nothing may fail between the lock and its note. */
static void
make_room(void)
{
	if (n_held < room)
		return;
	room = Max(16, 2 * room);
	held = held == NULL ? MemoryContextAlloc(TopMemoryContext, room * sizeof(Held))
						: repalloc(held, room * sizeof(Held));
}

bool
rcs_own_lock_session(RcsOwnLock what, int64 key, LOCKMODE mode, bool *again)
{
	LOCKTAG tag = tag_of(what, key);

	make_room();
	*again = false;
	switch (LockAcquire(&tag, mode, true, true))
	{
		case LOCKACQUIRE_NOT_AVAIL:
			return false;
		case LOCKACQUIRE_OK:
			held[n_held++] = (Held){tag, mode};
			return true;
		case LOCKACQUIRE_ALREADY_HELD:
		case LOCKACQUIRE_ALREADY_CLEAR:
			/* the lock manager has counted a second one */
			LockRelease(&tag, mode, true);
			*again = true;
			return true;
	}
	return false;
}

void
rcs_own_unlock_session(RcsOwnLock what, int64 key, LOCKMODE mode)
{
	LOCKTAG tag = tag_of(what, key);

	LockRelease(&tag, mode, true);
	for (int i = n_held - 1; i >= 0; i--)
		if (memcmp(&held[i].tag, &tag, sizeof(tag)) == 0 && held[i].mode == mode)
		{
			held[i] = held[--n_held];
			return;
		}
}

/* ---------- around code of users ---------- */

/* For the transaction as well, so that there is no gap if the session's is given back. */
void
rcs_own_locks_guard(void)
{
	for (int i = 0; i < n_held; i++)
		(void) LockAcquire(&held[i].tag, held[i].mode, false, true);
}

void
rcs_own_locks_restore(void)
{
	LockReleaseSession(USER_LOCKMETHOD);
	for (int i = 0; i < n_held; i++)
		(void) LockAcquire(&held[i].tag, held[i].mode, true, true);
}

/* ---------- for our SQL ---------- */

/* Turns by name; the place is the key of the lock. */
static const char *const turns[] = {"advertising", "changes", "erasure", "purge", "reports"};

static int64
turn_of(const text *name)
{
	char *wanted = text_to_cstring(name);

	for (int i = 0; i < (int) lengthof(turns); i++)
		if (strcmp(turns[i], wanted) == 0)
			return i;
	elog(ERROR, "there is no turn \"%s\"", wanted);
	return -1;
}

/* rcs._turn(name): waits for it. */
PG_FUNCTION_INFO_V1(rcs_turn);
Datum
rcs_turn(PG_FUNCTION_ARGS)
{
	(void) rcs_own_lock(RCS_OWN_TURN, turn_of(PG_GETARG_TEXT_PP(0)), ExclusiveLock, true);
	PG_RETURN_VOID();
}

/* rcs._try_turn(name, shared): false if somebody else has it. */
PG_FUNCTION_INFO_V1(rcs_try_turn);
Datum
rcs_try_turn(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(rcs_own_lock(RCS_OWN_TURN, turn_of(PG_GETARG_TEXT_PP(0)),
								PG_GETARG_BOOL(1) ? ShareLock : ExclusiveLock, false));
}
