/*
 * account_shared.h
 *		The table of carrier accounts in shared memory, and the key of an account.
 *
 * The members of an entry are for the files of account/ only.
 */
#ifndef RCS_ACCOUNT_SHARED_H
#define RCS_ACCOUNT_SHARED_H

#include "datatype/timestamp.h"
#include "storage/spin.h"

#include "account/throttle.h"
#include "base/monotonic.h"
#include "base/rate_limit.h"

#define RCS_ACCOUNT_REASON 160
#define RCS_MAX_ACCOUNTS 64
#define RCS_MAX_LOGINS 32 /* servers that stand for one account; as many as a uint32 has bits */

/* When an account or a login is set aside: breaker.c. */
typedef struct RcsBreaker
{
	int faults; /* in a row */
	int64 closed_at;
	int64 closed_until; /* 0 = open */
	int64 closing;		/* the length of the last closing */
	int64 probe_until;	/* a probe is under way */
	char reason[RCS_ACCOUNT_REASON];
} RcsBreaker;

/* A server of one database that stands for the account, with its login: login.c. */
typedef struct RcsLogin
{
	int holders; /* processes that send for it; 0 = the place is free */
	Oid dboid;
	Oid serverid;
	int rate_per_minute;
	int connections;

	RcsBreaker breaker;
	bool refused;	/* the carrier has granted a token and then refused it */
	int prober;		/* the process that probes the login */
	bool probe_out; /* its request has left */
	TimestampTz token_expires_at;
} RcsLogin;

typedef struct RcsAccountEntry
{
	slock_t mutex;
	bool used;
	uint64 key;
	char name[NAMEDATALEN]; /* of a server that stands for it, for the log */
	RcsLogin logins[RCS_MAX_LOGINS];

	RcsBucket bucket; /* the contract: nobody exceeds it */
	int contract;	  /* per minute, 0 = none */
	RcsThrottle throttle;
	RcsBucket campaigns; /* below the contract after "too fast"; singles are charged to it */
	int64 campaigns_at;	 /* when its rate was set */
	RcsBucket probes;	 /* singles while nothing passes */
	int connections;
	int active;			 /* requests open */
	int singles_waiting; /* workers of the single lane without a token */

	RcsBreaker breaker;

	uint64 throttled;
	uint32 per_second[60];
	int64 second; /* the latest one in per_second */
	bool clock_known;
	int64 clock_ahead_us; /* of our clock, compared with the carrier's */

	/* rcs_account_check: a worker logs in for a backend */
	uint32 check_asked;
	uint32 check_taken;
	uint32 check_answered;
	Oid check_dboid;
	char check_server[NAMEDATALEN];
	int64 checks_until[2]; /* the time that checks have used up: the owner's, and all others' */
	bool check_ok;
	char check_detail[RCS_ACCOUNT_REASON];
} RcsAccountEntry;

extern RcsAccountEntry *rcs_account_entries; /* NULL when not preloaded */

extern void rcs_account_shared_init(void);
extern int64 rcs_account_key(const char *url, const char *rcs_id);
extern int rcs_account_entry(const char *url, const char *rcs_id, const char *server);
extern RcsAccountEntry *rcs_account_find(const char *url, const char *rcs_id);

#endif /* RCS_ACCOUNT_SHARED_H */
