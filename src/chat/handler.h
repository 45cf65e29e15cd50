/*
 * handler.h
 *		Runs the handlers of rules, and stops those that do not end.
 */
#ifndef RCS_HANDLER_H
#define RCS_HANDLER_H

extern void rcs_handler_init(void);

/* Called by a chat worker when it is connected: from then on a handler that does not end, ends its process. */
extern void rcs_handler_open(void);

/* For signal handlers: a handler may catch the cancel of a statement, but not die(). */
extern bool rcs_handler_runs(void);

#endif /* RCS_HANDLER_H */
