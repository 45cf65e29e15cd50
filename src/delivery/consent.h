/*
 * consent.h
 *		People at the moment of offering: who is erased, who refuses advertising, who
 *		has had enough of it today.
 */
#ifndef RCS_CONSENT_H
#define RCS_CONSENT_H

#include "delivery/state.h"

extern void rcs_consent_turn(void);

/* In a turn. */
extern int rcs_consent_look(RcsLease *lease, int most);

/* Between turns: may what is ready be offered, as far as is known at this moment? */
extern bool rcs_consent_known(int64 now_us, int64 *wait_us);

#endif /* RCS_CONSENT_H */
