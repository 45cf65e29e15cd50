/*
 * record.h
 *		Writes the fates of items down: results, retries, the end of a batch.
 */
#ifndef RCS_RECORD_H
#define RCS_RECORD_H

#include "delivery/state.h"

/* First what is done of each lease, last the batches of which nothing is left. */
extern void rcs_record_turn(void);
extern void rcs_record_turn_end(void);

/* In a turn.  True: the turn has locked the row, and it is still ours. */
extern bool rcs_record_lock(RcsLease *lease, RcsRow *row);

/* In a turn.  Hands back what has no intent; with a delay, for later and with the reason. */
extern void rcs_record_release(RcsLease *lease, long delay_ms, const char *reason);

#endif /* RCS_RECORD_H */
