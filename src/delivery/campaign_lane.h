/*
 * campaign_lane.h
 *		The campaign lane: which campaign gets the next slice.
 */
#ifndef RCS_CAMPAIGN_LANE_H
#define RCS_CAMPAIGN_LANE_H

/* Would a turn find something to take?  If not, when to ask again. */
extern bool rcs_campaign_lane_wanted(int64 now_us, int64 *wait_us);
extern void rcs_campaign_lane_turn(void);
extern void rcs_campaign_lane_rolled_back(void);

#endif /* RCS_CAMPAIGN_LANE_H */
