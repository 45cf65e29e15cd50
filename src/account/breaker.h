/*
 * breaker.h
 *		When a carrier account is set aside.
 */
#ifndef RCS_BREAKER_H
#define RCS_BREAKER_H

#include "account/account_shared.h"

#define RCS_PROBE_LIMIT (30 * SECOND) /* a probe whose worker vanished */

extern bool rcs_account_open(int account, int64 now_us, bool *probe, int64 *wait_us);

extern void rcs_account_answered(int account);
extern void rcs_account_probe_over(int account);
extern void rcs_account_faulted(int account, int64 started_us, bool hard, const char *reason);
extern void rcs_account_reopen(int account);
extern void rcs_account_try_now(int account);
extern void rcs_account_clock(int account, int64 ahead_us);

/* any breaker; for the files of account/, which hold the mutex */
extern bool rcs_breaker_lets(const RcsBreaker *b, int64 now, bool *probe, int64 *wait_us);
extern bool rcs_breaker_open(RcsBreaker *b);
extern bool rcs_breaker_fault(RcsBreaker *b, int64 started_us, int64 now, bool hard,
							  const char *reason);
extern void rcs_breaker_try_now(RcsBreaker *b, int64 now);

#endif /* RCS_BREAKER_H */
