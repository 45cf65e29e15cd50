/*
 * judge_request.h
 *		Whether a request may go on, as soon as its headers are there.
 */
#ifndef RCS_JUDGE_REQUEST_H
#define RCS_JUDGE_REQUEST_H

#include "listener/exchange.h"
#include "listener/setup.h"

/* Finds route and roles.  0: it may go on; otherwise the status to refuse it with. */
extern int rcs_listener_judge(RcsExchange *x, const RcsListenerSetup *setup, const char *method,
							  const char *url);

#endif /* RCS_JUDGE_REQUEST_H */
