/*
 * verdict.h
 *		The share of failures among the latest messages of a campaign, over all workers.
 */
#ifndef RCS_VERDICT_H
#define RCS_VERDICT_H

#include "datatype/timestamp.h"

extern void rcs_campaign_verdict_init(void);

/*
 * Notes one more verdict, on a message that was offered after the campaign was
 * resumed last ("since"; 0 = never); older verdicts are forgotten.  True: there are
 * at least "least" verdicts, and "percent" of them are failures.
 */
extern bool rcs_campaign_verdict(int64 campaign_no, TimestampTz since, bool failed, int percent,
								 int least, int *nfailed, int *nanswered);

#endif /* RCS_VERDICT_H */
