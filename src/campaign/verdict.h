/*
 * verdict.h
 *		How many of its latest messages a campaign has failed with, over all workers.
 */
#ifndef RCS_VERDICT_H
#define RCS_VERDICT_H

#include "datatype/timestamp.h"

extern void rcs_campaign_verdict_init(void);

/*
 * One more verdict, on a message offered after the campaign was resumed last
 * ("since"; 0 = never); those of before are forgotten.  True: of the latest, at
 * least so many, so many percent have failed.
 */
extern bool rcs_campaign_verdict(int64 campaign_no, TimestampTz since, bool failed, int percent,
								 int least, int *nfailed, int *nanswered);

#endif /* RCS_VERDICT_H */
