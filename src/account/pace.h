/*
 * pace.h
 *		How fast a carrier account may go.
 */
#ifndef RCS_PACE_H
#define RCS_PACE_H

#include "account/account_shared.h"
#include "process/slots.h"

extern double rcs_account_rate(int account, RcsWorkerKind lane);

extern void rcs_account_passed(int account, int64 started_us, bool accepted);
extern void rcs_account_throttled(int account, int64 started_us, int64 retry_after_us);

/* for the files of account/, which hold the mutex */
extern uint32 rcs_account_last_minute(const RcsAccountEntry *a, int64 now);
extern double rcs_account_campaign_rate(RcsAccountEntry *a, int64 now);
extern void rcs_account_set_contract(RcsAccountEntry *a, int per_minute, int64 now);
extern bool rcs_account_take_token(RcsAccountEntry *a, RcsWorkerKind lane, int64 now,
								   int64 *wait_us);
extern void rcs_account_untake_token(RcsAccountEntry *a, RcsWorkerKind lane);

#endif /* RCS_PACE_H */
