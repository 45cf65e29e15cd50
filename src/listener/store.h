/*
 * store.h
 *		What the listener asks of the database.
 */
#ifndef RCS_STORE_H
#define RCS_STORE_H

#include "listener/exchange.h"

/* Stores what was pushed, and answers.  Allocates in the current context. */
extern void rcs_listener_store(RcsExchange **exchanges, int n);

/* Answers one by its route, in a transaction of its own. */
extern void rcs_listener_query(RcsExchange *x);

/* routes */
extern void rcs_answer_health(RcsExchange *x);
extern void rcs_answer_metrics(RcsExchange *x);

#endif /* RCS_STORE_H */
