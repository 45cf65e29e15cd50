/*
 * offer.h
 *		Permits and offers: what is ready leaves, waits, or is withdrawn.
 */
#ifndef RCS_OFFER_H
#define RCS_OFFER_H

#include "delivery/state.h"

/* Between turns. */
extern void rcs_offer_ready(int64 now_us, int64 *wait_us);

#endif /* RCS_OFFER_H */
