/*
 * clock.h
 *		A clock that is set back while we send: what was due before stays due.
 */
#ifndef RCS_CLOCK_H
#define RCS_CLOCK_H

/* Once a round; a transaction of its own when there is something to tell.  True: it was set back. */
extern bool rcs_clock_look(int64 now_us);

#endif /* RCS_CLOCK_H */
