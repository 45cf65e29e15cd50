/*
 * handler.h
 *		Runs the handlers of rules, and ends those that do not end.
 */
#ifndef RCS_HANDLER_H
#define RCS_HANDLER_H

extern void rcs_handler_init(void);

/* chat worker, when it is connected: a handler that does not end ends with the process */
extern void rcs_handler_open(void);

/* for signal handlers: what cancels a statement may be caught, die() may not */
extern bool rcs_handler_runs(void);

#endif /* RCS_HANDLER_H */
