/*
 * http_client.h
 *	  HTTP out: asynchronous requests.  With http_transfer the only user of libcurl.
 *
 * rcs_http_start(), then rcs_evloop_wait() for at most rcs_http_timeout_ms(),
 * then rcs_http_run(), then rcs_http_next_done() until it is NULL.
 * The body leaves at most once per rcs_http_start().
 */
#ifndef RCS_HTTP_CLIENT_H
#define RCS_HTTP_CLIENT_H

#include "base/http_request.h"

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
