/*
 * login.h
 *		When the login of one server of one database is set aside.
 */
#ifndef RCS_LOGIN_H
#define RCS_LOGIN_H

#include "account/account_shared.h"

/* What a worker has. */
typedef enum RcsTokenState
{
	RCS_TOKEN_NONE,
	RCS_TOKEN_UNTRIED, /* granted, and not used yet */
	RCS_TOKEN_WORKS	   /* the carrier has taken a request with it */
} RcsTokenState;

extern bool rcs_login_open(int account, int login, RcsTokenState token, int64 now_us, bool *probe,
						   int64 *wait_us);
extern bool rcs_login_seize(int account, int login, RcsTokenState token, int64 now_us);
extern void rcs_login_used(int account, int login, int64 now_us);
extern void rcs_login_unproven(int account, int login);

/* what the carrier says; true: the login is closed, or open, by this */
extern bool rcs_login_failed(int account, int login, int64 started_us, const char *reason);
extern bool rcs_login_refused(int account, int login, int64 fetched_us, const char *reason);
extern void rcs_login_not_renewed(int account, int login, const char *reason);
extern bool rcs_login_granted(int account, int login, TimestampTz expires_at, int64 now_us);
extern bool rcs_login_worked(int account, int login, int64 fetched_us);
extern void rcs_login_try_now(int account, int login, bool changed);

extern void rcs_account_reason(int account, int login, char reason[RCS_ACCOUNT_REASON]);

/* for the files of account/, which hold the mutex */
extern void rcs_login_probe_over(RcsLogin *l);
extern const RcsLogin *rcs_login_find(const RcsAccountEntry *a, Oid serverid);

#endif /* RCS_LOGIN_H */
