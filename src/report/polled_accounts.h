/*
 * polled_accounts.h
 *		The accounts that are asked for reports, and how far each question is.
 */
#ifndef RCS_POLLED_ACCOUNTS_H
#define RCS_POLLED_ACCOUNTS_H

#include "carrier/carrier.h"
#include "report/poll_store.h"

#define RCS_POLL_QUESTIONS 4 /* open at once */
#define RCS_POLL_BLIPS 3	 /* failures in a row that are no problem yet */

typedef enum RcsPollState
{
	RCS_POLL_IDLE,
	RCS_POLL_FLYING,
	RCS_POLL_ANSWERED /* the answer is to be stored */
} RcsPollState;

/* One account.  At most one question of it is open at a time. */
typedef struct RcsPoll
{
	RcsAccount *account;
	MemoryContext cxt; /* of url and body of a question */
	RcsPollState state;
	bool present;		/* the server was there at the last look */
	bool by_query;		/* its results are asked for */
	int64 claimed;		/* the account that this process alone asks; 0: none */
	int claims_refused; /* in a row */

	/* the question for the next results */
	char query_id[RCS_QUERY_ID_SIZE]; /* "": none is on disk */
	bool retry;						  /* it may have been asked already */
	int64 results_at_us;
	int64 pause_us; /* while there are none */

	/* questions about single messages */
	List *overdue; /* of char *, in TopMemoryContext */
	int64 overdue_at_us;
	bool reports; /* this account does report */

	/* the question that is open */
	bool about_message;
	int token_serial;
	char next_id[RCS_QUERY_ID_SIZE];
	int stored; /* reports of its answer */
	int n;		/* ... of so many */
	bool more;	/* ... and others wait at the carrier */
	RcsHttpRequest request;

	int failures; /* one after another */
	char problem[RCS_ACCOUNT_REASON + 40];
	bool problem_changed;
	int64 again_us; /* after a transaction that failed */
} RcsPoll;

extern List *rcs_polls(void);					 /* of RcsPoll */
extern RcsPoll *rcs_poll_of(const char *server); /* NULL: it is not among them */
extern RcsPoll *rcs_poll_add(const RcsPollRow *row);
extern int rcs_poll_most_overdue(int64 now_us);
extern void rcs_poll_problem(RcsPoll *p, const char *problem); /* "": there is none any more */

#endif /* RCS_POLLED_ACCOUNTS_H */
