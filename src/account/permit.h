/*
 * permit.h
 *		What all workers of all databases share about a carrier account: its
 *		token bucket, its open requests, its breaker, its counters.
 */
#ifndef RCS_PERMIT_H
#define RCS_PERMIT_H

#include "datatype/timestamp.h"
#include "process/slots.h"

#define RCS_ACCOUNT_REASON 160

/* How a permit was answered. */
typedef enum RcsPermit
{
	RCS_PERMIT_GRANTED, /* token and connection are drawn */
	RCS_PERMIT_WAIT,	/* ask again after wait_us */
	RCS_PERMIT_CLOSED	/* the account is set aside for wait_us */
} RcsPermit;

extern void rcs_account_state_init(void);
extern int rcs_account_state_entry(const char *url, const char *rcs_id, const char *server);
extern bool rcs_account_state_attach(int account, Oid serverid, int rate_per_minute,
									 int connections);
extern void rcs_account_state_detach(int account, Oid serverid);

extern RcsPermit rcs_account_permit(int account, RcsWorkerKind lane, int64 now_us, int64 *wait_us);
extern void rcs_account_give_back(int account);
extern void rcs_account_release(int account);
extern void rcs_account_single_waits(int account, bool waits);

extern bool rcs_account_open(int account, int64 now_us, bool *probe, int64 *wait_us);
extern void rcs_account_reason(int account, char reason[RCS_ACCOUNT_REASON]);
extern double rcs_account_rate(int account);

extern void rcs_account_answered(int account, bool accepted);
extern void rcs_account_faulted(int account, int64 started_us, bool hard, const char *reason);
extern void rcs_account_throttled(int account, int64 started_us);
extern void rcs_account_token(int account, TimestampTz expires_at);
extern void rcs_account_reopen(int account);
extern void rcs_account_try_now(int account);
extern void rcs_account_clock(int account, int64 ahead_us);

/* account_status.c: a worker's side of rcs_account_check() */
extern int rcs_account_check_take(char server[NAMEDATALEN]);
extern void rcs_account_check_answer(int account, bool ok, const char *detail);


#endif /* RCS_PERMIT_H */
