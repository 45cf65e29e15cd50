/*
 * known_campaigns.h
 *		The campaigns that this worker knows, and the look at the queue that brings them.
 */
#ifndef RCS_KNOWN_CAMPAIGNS_H
#define RCS_KNOWN_CAMPAIGNS_H

#include "base/monotonic.h"
#include "delivery/state.h"

#define RCS_CAMPAIGN_LONGEST_REST (60 * SECOND) /* after slices that have failed */

extern dlist_head *rcs_known_campaigns(void); /* of RcsLaneCampaign */

extern bool rcs_known_campaigns_turn(void);
extern bool rcs_known_campaigns_wanted(int64 now_us, int64 *wait_us);

/* The last look could not settle everything. */
extern void rcs_known_campaigns_look_soon(void);

/* What is known is old: nothing is offered before the next look. */
extern void rcs_known_campaigns_look_anew(void);

/* Has a look seen all that steers a campaign? */
extern bool rcs_known_campaigns_current(void);

/* Is one of them over: canceled or expired?  Nothing more of it is offered. */
extern bool rcs_campaign_is_over(const RcsLaneCampaign *c, TimestampTz now);

/* Has one that must not go on as it was messages that are ready? */
extern bool rcs_known_campaigns_stopped(TimestampTz now);

#endif /* RCS_KNOWN_CAMPAIGNS_H */
