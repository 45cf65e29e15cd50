/*
 * lease_text.h
 *		The text of a leased campaign batch, compiled for the carrier.  In a turn.
 */
#ifndef RCS_LEASE_TEXT_H
#define RCS_LEASE_TEXT_H

#include "delivery/state.h"

/* Reads and compiles the text of the campaign; false: it is not there. */
extern bool rcs_lease_text_load(RcsLease *lease, const RcsBot *bot);

/* Compiles it with the images of this account, if it names any by address; false: one is gone. */
extern bool rcs_lease_text_fill(RcsLease *lease, RcsAccount *a);

#endif /* RCS_LEASE_TEXT_H */
