/*
 * fronts.h
 *		Which single messages may be leased, and whose turn it is; what cannot go rests.
 */
#ifndef RCS_FRONTS_H
#define RCS_FRONTS_H

#include "queue/outbox.h"

/* in a turn; ids has room for that many */
extern void rcs_fronts_begin(int64 now_us);
extern int rcs_fronts_hand_over(const int64 *handed, int nhanded, int most, int64 *ids,
								bool *looked);
extern int rcs_fronts_doubt(int most, int64 *ids);
extern int rcs_fronts_take(int most, int64 *ids);
extern int rcs_fronts_survey(TimestampTz *due, int64 *id, int most, int64 *ids, bool *more);
extern void rcs_fronts_rest(const char *chatbot, const char *sender, bool urgent, TimestampTz due,
							int64 id);

/* at any time */
extern bool rcs_fronts_crowded(int64 now_us);
extern bool rcs_fronts_wanted(int64 now_us, int64 *wait_us);

#endif /* RCS_FRONTS_H */
