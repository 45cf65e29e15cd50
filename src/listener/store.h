/*
 * store.h
 *		What the listener asks of the database.
 */
#ifndef RCS_STORE_H
#define RCS_STORE_H

#include "listener/routes.h"

/* Stores what was pushed, and answers.  Allocates in the current context. */
extern void rcs_listener_store(RcsExchange **exchanges, int n);

/* Answers one by its route, in a transaction of its own. */
extern void rcs_listener_query(RcsExchange *x);

/* A column of the result, as it goes out; null is "". */
extern char *rcs_column_utf8(uint64 row, int column);

/* routes */
extern void rcs_answer_health(RcsExchange *x);
extern void rcs_answer_metrics(RcsExchange *x);

#endif /* RCS_STORE_H */
