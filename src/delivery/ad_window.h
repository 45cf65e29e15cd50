/*
 * ad_window.h
 *		The ad hours: may advertising leave at this moment, and when may it next?
 */
#ifndef RCS_AD_WINDOW_H
#define RCS_AD_WINDOW_H

#include "delivery/state.h"
#include "message/ad_hours.h"

/* Is a turn wanted, because what waits in the queue goes by other settings? */
extern bool rcs_ad_window_wanted(void);
extern void rcs_ad_window_turn(void);
extern void rcs_ad_window_rolled_back(void);

/* May it leave at this hour?  If not, due_at is when it may, and reason says so. */
extern bool rcs_ad_window_allows(const RcsItem *item, TimestampTz now, TimestampTz *due_at,
								 char *reason, int size);

/* The day, as the ad hours count days. */
extern void rcs_ad_window_day(TimestampTz now, char day[RCS_AD_DAY_SIZE]);

/* An hour that has passed comes again. */
extern void rcs_ad_window_clock_set_back(void);

#endif /* RCS_AD_WINDOW_H */
