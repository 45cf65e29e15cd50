/*
 * listener_judge.h
 *		Whether a request may go on, as soon as its headers are there.
 */
#ifndef RCS_LISTENER_JUDGE_H
#define RCS_LISTENER_JUDGE_H

#include "listener_http.h"

/* Finds route and roles.  0: it may go on; otherwise the status to refuse it with. */
extern int rcs_listener_judge(RcsExchange *x, const RcsListenerSetup *setup, const char *method,
							  const char *url);

#endif /* RCS_LISTENER_JUDGE_H */
