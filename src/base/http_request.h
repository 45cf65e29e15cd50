/*
 * http_request.h
 *	  An HTTP request and its outcome.
 */
#ifndef RCS_HTTP_REQUEST_H
#define RCS_HTTP_REQUEST_H

#include "base/net_address.h"

typedef enum RcsHttpOutcome
{
	RCS_HTTP_ANSWER,   /* status and body are there */
	RCS_HTTP_NOT_SENT, /* provably no byte left: refused, unresolved, TLS handshake failed */
	RCS_HTTP_UNKNOWN   /* time-out, cut, too long, unreadable: the peer may have acted */
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
	const char *accept;		  /* the type of the answer; NULL: JSON */
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
	const char *answer; /* NUL-terminated, never NULL when done; valid until rcs_http_release() */
	size_t answer_len;
	char error[256];  /* "" for an answer; a time-out of ours starts with "timeout: " */
	int64 started_us; /* as GetCurrentTimestamp() */
	int64 done_us;
	int64 date_us;	   /* the peer's clock, in whole seconds; 0: it did not say */
	int retry_after_s; /* header Retry-After; 0: none */

	RcsHttpTransfer *transfer; /* private */
} RcsHttpRequest;

#endif /* RCS_HTTP_REQUEST_H */
