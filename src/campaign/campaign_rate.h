/*
 * campaign_rate.h
 *		Permits of campaigns that have a rate of their own.
 */
#ifndef RCS_CAMPAIGN_RATE_H
#define RCS_CAMPAIGN_RATE_H

extern void rcs_campaign_rate_init(void);
extern bool rcs_campaign_permit(int64 campaign_no, int rate_per_minute, int64 now_us,
								int64 *wait_us);
extern void rcs_campaign_give_back(int64 campaign_no, int rate_per_minute, int64 now_us);

#endif /* RCS_CAMPAIGN_RATE_H */
