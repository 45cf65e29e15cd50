/*
 * failing.h
 *		A campaign of which many messages fail is paused.
 */
#ifndef RCS_FAILING_H
#define RCS_FAILING_H

#include "delivery/state.h"

/* The carrier has answered an offer.  Failures that were made here do not count. */
extern void rcs_failing_note(const RcsItem *item);

/* In a turn: pauses the campaign, if too many of its messages have failed. */
extern void rcs_failing_pause(RcsLaneCampaign *c);

#endif /* RCS_FAILING_H */
