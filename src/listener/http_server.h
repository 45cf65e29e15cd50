/*
 * http_server.h
 *		HTTP in: requests that are complete, and the answers to them.
 */
#ifndef RCS_HTTP_SERVER_H
#define RCS_HTTP_SERVER_H

#include "listener/exchange.h"
#include "listener/setup.h"

/*
 * The setup is kept by reference: secrets and networks may be changed in it.  False:
 * why (palloc'd).
 */
extern bool rcs_listener_open(const RcsListenerSetup *setup, char **problem);
extern void rcs_listener_close(void);

/* Does what has become possible; how long it may wait then. */
extern long rcs_listener_run(void);

/* Requests that are complete; each is to be answered, and then told so. */
extern int rcs_listener_take(RcsExchange **exchanges, int max);
extern void rcs_listener_answered(RcsExchange *x);
extern int rcs_listener_connections(void);

#endif /* RCS_HTTP_SERVER_H */
