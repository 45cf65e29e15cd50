/*
 * brake.h
 *		A campaign whose messages the carrier knows already is paused, and tried again.
 */
#ifndef RCS_BRAKE_H
#define RCS_BRAKE_H

#include "delivery/state.h"

/* The carrier knows this message, though it was never offered from here. */
extern void rcs_brake_foreign(const RcsItem *item);
extern void rcs_brake_accepted(const RcsItem *item);

/* In a turn: pauses it, or ends its probation. */
extern void rcs_brake_turn(RcsLaneCampaign *c);
extern void rcs_brake_retry(const RcsCampaignRow *row);

#endif /* RCS_BRAKE_H */
