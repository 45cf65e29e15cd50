/*
 * pace.h
 *		How fast a carrier account may go.
 */
#ifndef RCS_PACE_H
#define RCS_PACE_H

#include "account/account_shared.h"

extern double rcs_account_rate(int account);

extern void rcs_account_accepted(int account);
extern void rcs_account_throttled(int account, int64 started_us);

/* for the files of account/, which hold the mutex */
extern uint32 rcs_account_last_minute(const RcsAccountEntry *a, int64 now);
extern void rcs_account_recover_rate(RcsAccountEntry *a, int64 now);

#endif /* RCS_PACE_H */
