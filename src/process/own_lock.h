/*
 * own_lock.h
 *		Locks that only this extension can take.
 */
#ifndef RCS_OWN_LOCK_H
#define RCS_OWN_LOCK_H

#include "storage/lock.h"

/* What a lock is about.  The numbers are seen in pg_locks.objsubid, where tests and operators look. */
typedef enum RcsOwnLock
{
	RCS_OWN_ADDING = 2,			 /* a campaign: recipients are added or judged */
	RCS_OWN_TURN = 3,			 /* a turn that one transaction of the database has at a time */
	RCS_OWN_GENERATION = 0x5243, /* a generation of a worker */
	RCS_OWN_CLAIM = 0x5244,		 /* a message of a user that is being answered */
	RCS_OWN_POLL = 0x5250, /* a carrier account, on the whole server, that is asked for results */
} RcsOwnLock;

/* Until the end of the transaction.  False: somebody else has it, and wait was false. */
extern bool rcs_own_lock(RcsOwnLock what, int64 key, LOCKMODE mode, bool wait);

/* Until it is given back or the process ends.  Never waits; true also if this process had it before (*again). */
extern bool rcs_own_lock_session(RcsOwnLock what, int64 key, LOCKMODE mode, bool *again);
extern void rcs_own_unlock_session(RcsOwnLock what, int64 key, LOCKMODE mode);

/*
 * Around code of users: it can neither give back our session locks, nor leave
 * advisory locks of its own to the process.  Both in one transaction.
 */
extern void rcs_own_locks_guard(void);
extern void rcs_own_locks_restore(void);

#endif /* RCS_OWN_LOCK_H */
