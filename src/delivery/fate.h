/*
 * fate.h
 *		What becomes of a message: the policy of retries.
 */
#ifndef RCS_FATE_H
#define RCS_FATE_H

#include "delivery/state.h"

#define RCS_STOPPED "stopped" /* code of what is withdrawn; rcs.message_status knows it, too */

/* Its request is over. */
extern void rcs_fate_of_answer(RcsItem *item, const RcsAnswer *answer);

/*
 * At the moment of offering: is it still wanted?  False: its fate is set and it must not
 * be offered.
 */
extern bool rcs_fate_before_offer(RcsItem *item, TimestampTz now);

/* Is the outcome of an earlier offer unknown, so that a report would settle it? */
extern bool rcs_fate_in_doubt(const RcsItem *item);

/* The carrier has reported about it, so it has accepted it. */
extern void rcs_fate_reported(RcsItem *item);

/* Its text cannot be made: enqueueing should have refused it. */
extern void rcs_fate_cannot(RcsItem *item, const char *missing);

/* Its image cannot be had. */
extern void rcs_fate_no_image(RcsItem *item, const char *reason);

/* Its image has gone since its account was chosen: later again, with no result written. */
extern void rcs_fate_image_gone(RcsItem *item);

/* It waited for a permit and goes on later; no byte of it has left. */
extern void rcs_fate_withdraw(RcsItem *item, const char *code, const char *reason, long delay_ms);
extern void rcs_fate_withdraw_closed(RcsItem *item, const char *code, const char *reason,
									 long delay_ms);
extern void rcs_fate_withdraw_all(const char *code, const char *reason, long delay_ms);

#endif /* RCS_FATE_H */
