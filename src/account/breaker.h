/*
 * breaker.h
 *		When a carrier account is set aside.
 */
#ifndef RCS_BREAKER_H
#define RCS_BREAKER_H

#include "account/account_shared.h"

extern bool rcs_account_open(int account, int64 now_us, bool *probe, int64 *wait_us);
extern void rcs_account_reason(int account, char reason[RCS_ACCOUNT_REASON]);

extern void rcs_account_answered(int account);
extern void rcs_account_faulted(int account, int64 started_us, bool hard, const char *reason);
extern void rcs_account_token(int account, TimestampTz expires_at);
extern void rcs_account_reopen(int account);
extern void rcs_account_try_now(int account);
extern void rcs_account_clock(int account, int64 ahead_us);

/* for the files of account/, which hold the mutex */
extern bool rcs_account_is_open(RcsAccountEntry *a, int64 now, bool *probe, int64 *wait_us);

#endif /* RCS_BREAKER_H */
