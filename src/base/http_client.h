/*
 * http_client.h
 *	  HTTP out: asynchronous requests.  The only user of libcurl.
 *
 * rcs_http_start(), then rcs_evloop_wait() for at most rcs_http_timeout_ms(),
 * then rcs_http_run(), then rcs_http_next_done() until it is NULL.
 * The body leaves at most once per rcs_http_start().
 */
#ifndef RCS_HTTP_CLIENT_H
#define RCS_HTTP_CLIENT_H

#include "base/net_address.h"

typedef enum RcsHttpOutcome
{
	RCS_HTTP_ANSWER,   /* status and body are there */
	RCS_HTTP_NOT_SENT, /* provably no byte of the request left:
								 * refused, unresolved, TLS handshake failed */
	RCS_HTTP_UNKNOWN   /* time-out, cut, too long, unreadable: the
								 * peer may have acted */
} RcsHttpOutcome;

typedef struct RcsHttpTransfer RcsHttpTransfer;

typedef struct RcsHttpRequest
{
	/*
	 * The caller fills these, and keeps the record and all of them alive until
	 * it is done or aborted, also when an error is caught.
	 */
	const char *url;
	const char *ca_file;	  /* NULL: the system's */
	const char *bearer;		  /* NULL: none */
	const char *content_type; /* of the body; NULL: JSON */
	const char *accept;		  /* what the answer is to be; NULL: JSON */
	const char *header;		  /* one more line, "Name: value"; NULL: none */
	const char *body;
	size_t body_len;   /* not 0, but for a GET */
	bool get;		   /* GET, without a body; else POST */
	RcsReach reach;	   /* also of a connection that is used again */
	size_t answer_max; /* 0: as for answers in JSON */
	long timeout_ms;
	void *owner;

	/* filled when done */
	RcsHttpOutcome outcome;
	int status;			/* 0 unless RCS_HTTP_ANSWER */
	const char *answer; /* NUL-terminated, never NULL when done, valid
								 * until rcs_http_release() */
	size_t answer_len;
	char error[256];  /* "" for an answer; a time-out of ours starts
								 * with "timeout: " */
	int64 started_us; /* as GetCurrentTimestamp() */
	int64 done_us;
	int64 date_us; /* the peer's clock, in whole seconds; 0: it did not say */

	RcsHttpTransfer *transfer; /* private */
} RcsHttpRequest;

/* In the process that asks, never in the postmaster; false: it was done before. */
extern bool rcs_http_init(void);
extern void rcs_http_set_max_connections(int n); /* idle and active ones */

/* false: could not be started, outcome is NOT_SENT, error is set, nothing to release */
extern bool rcs_http_start(RcsHttpRequest *r);
extern void rcs_http_run(void);					   /* ready sockets and timers; never raises */
extern RcsHttpRequest *rcs_http_next_done(void);   /* NULL when none */
extern bool rcs_http_take_done(RcsHttpRequest *r); /* this one, if it is done; others stay */
extern bool rcs_http_any_done(void);
extern void rcs_http_release(RcsHttpRequest *r);

/*
 * Drops a request without waiting and releases it; it will not be returned by
 * rcs_http_next_done().  The outcome is UNKNOWN if bytes may have left, else
 * NOT_SENT; a request that was done already keeps its outcome and status, but
 * loses its answer.
 */
extern void rcs_http_abort(RcsHttpRequest *r);

extern long rcs_http_timeout_ms(void); /* until curl wants to run; -1 none */
extern int rcs_http_active(void);
extern void rcs_http_shutdown(void);

#endif /* RCS_HTTP_CLIENT_H */
