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

/* Reads and writes as far as is possible now.  Returns how long the caller may wait. */
extern long rcs_listener_run(void);

/* Complete requests; for each one, once it is answered, rcs_listener_answered() is called. */
extern int rcs_listener_take(RcsExchange **exchanges, int max);
extern void rcs_listener_answered(RcsExchange *x);
extern int rcs_listener_connections(void);

#endif /* RCS_HTTP_SERVER_H */
