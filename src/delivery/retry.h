/*
 * retry.h
 *		Messages of one batch that go on together become a small batch of their own.
 */
#ifndef RCS_RETRY_H
#define RCS_RETRY_H

#include "delivery/state.h"

typedef struct RcsRetries RcsRetries;

/* In a turn: for up to so many items of one lease. */
extern RcsRetries *rcs_retries_begin(int most);
extern void rcs_retries_add(RcsRetries *r, RcsItem *item);
extern void rcs_retries_write(RcsRetries *r);

#endif /* RCS_RETRY_H */
