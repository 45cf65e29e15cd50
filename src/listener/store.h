/*
 * store.h
 *		The statements of the listener.
 */
#ifndef RCS_STORE_H
#define RCS_STORE_H

#include "listener/exchange.h"

/* Stores pushes, and answers them.  Allocates in the current context. */
extern void rcs_listener_store(RcsExchange **exchanges, int n);

/* Answers one by its route, in a transaction of its own. */
extern void rcs_listener_query(RcsExchange *x);
extern void rcs_listener_query_shared(RcsExchange *x);

/* routes */
extern void rcs_answer_health(RcsExchange *x);
extern void rcs_answer_metrics(RcsExchange *x);

#endif /* RCS_STORE_H */
