/*
 * stop.h
 *		What a worker does about a campaign that is not to go on as it was.
 */
#ifndef RCS_STOP_H
#define RCS_STOP_H

#include "delivery/state.h"

/* For each lease, what has no intent: everything is given back, or what must not go on. */
extern void rcs_stop_turn(bool give_back);

/* In a turn: one batch of a campaign that is over is taken and ended.  False: there is none. */
extern bool rcs_stop_batch(RcsLaneCampaign *c);

/* Between turns: what has an intent and no permit. */
extern void rcs_stop_ready(void);

#endif /* RCS_STOP_H */
