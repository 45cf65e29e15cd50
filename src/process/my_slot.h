/*
 * my_slot.h
 *		The slot of this worker process, and the ways in which the process ends.
 */
#ifndef RCS_MY_SLOT_H
#define RCS_MY_SLOT_H

#include "base/pg_compat.h"
#include "process/slots.h"

/* NULL in a process that is not a worker. */
extern RcsSlot *rcs_my_slot(void);

/* Takes the slot that the launcher has reserved, or ends the process. */
extern RcsSlot *rcs_my_slot_attach(int n, uint32 generation);

extern bool rcs_worker_stopping(RcsSlot *slot);
extern int rcs_worker_drain_ms(void);

/*
 * A short wait inside of something that cannot be interrupted by work.  False: the
 * worker is to stop.
 */
extern bool rcs_worker_pause(long timeout_ms);

/* These end the process. */
pg_noreturn extern void rcs_worker_end(RcsSlot *slot);
pg_noreturn extern void rcs_worker_extension_gone(void);
pg_noreturn extern void rcs_worker_wrong_version(void);

/* For an exit hook: the process ends because of a handler of a user. */
extern void rcs_worker_ended_by_handler(void);

#endif /* RCS_MY_SLOT_H */
