/*
 * poll.h
 *		The poller, as the loop of a delivery worker calls it.  One worker of a database begins it; in the others
 *		these functions do nothing.
 */
#ifndef RCS_POLL_H
#define RCS_POLL_H

#include "base/http_request.h"

extern int rcs_poll_begin(void); /* gives the number of connections that it needs */
extern void rcs_poll_round(int64 now_us, int64 *wait_us);
extern bool rcs_poll_request_done(RcsHttpRequest *r);

#endif /* RCS_POLL_H */
