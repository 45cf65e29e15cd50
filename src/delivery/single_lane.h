/*
 * single_lane.h
 *		The single lane: which messages go next.
 */
#ifndef RCS_SINGLE_LANE_H
#define RCS_SINGLE_LANE_H

/* Would a turn find something to take?  If not, when to ask again. */
extern bool rcs_single_lane_wanted(int64 now_us, int64 *wait_us);
/* In a turn: the look, and later what to do with what it has found. */
extern bool rcs_single_lane_look(void);
extern void rcs_single_lane_turn(void);
extern void rcs_single_lane_look_anew(void);
extern void rcs_single_lane_rolled_back(void);

#endif /* RCS_SINGLE_LANE_H */
