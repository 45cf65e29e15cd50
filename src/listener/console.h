/*
 * console.h
 *		The routes of the web console.
 */
#ifndef RCS_CONSOLE_H
#define RCS_CONSOLE_H

#include "listener/exchange.h"

/* kind PLAIN */
extern void rcs_console_file(RcsExchange *x);
extern void rcs_console_session(RcsExchange *x);
extern void rcs_console_login(RcsExchange *x);
extern void rcs_console_logout(RcsExchange *x);

/* kind QUERY */
extern void rcs_console_show(RcsExchange *x);
extern void rcs_console_steer(RcsExchange *x);

#endif /* RCS_CONSOLE_H */
