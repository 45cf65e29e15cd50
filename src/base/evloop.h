/*
 * evloop.h
 *	  The wait for sockets, in a worker that has requests open.
 *
 * Sockets of libraries stand in a private poll set; its one descriptor is
 * waited for together with the process latch and the death of the postmaster.
 * One owner per process uses the poll set: it gets the events of all sockets.
 */
#ifndef RCS_EVLOOP_H
#define RCS_EVLOOP_H

#define RCS_EV_READ 1
#define RCS_EV_WRITE 2
#define RCS_EV_ERROR 4 /* reported, never asked for */

typedef struct RcsReady
{
	int fd;
	int what; /* RCS_EV_... */
} RcsReady;

extern void rcs_evloop_init(void);

/* waits for a socket, the latch or the time-out; 0 only looks, -1 is forever */
extern void rcs_evloop_wait(long timeout_ms);
extern void rcs_evloop_wait_in_transaction(long timeout_ms); /* of a user, not of a worker */

/*
 * The poll set.  None of these raises, so that callbacks of foreign libraries
 * may call them; false means out of memory or refused by the kernel.
 *
 * adopt: rcs_evloop_forget() will be called before this descriptor is closed,
 * so its registration with the kernel may be late, which saves system calls.
 */
extern bool rcs_evloop_adopt(int fd);
extern bool rcs_evloop_watch(int fd, int what); /* what = 0: no more */
extern void rcs_evloop_forget(int fd);
extern int rcs_evloop_ready(RcsReady *ready, int max); /* never blocks */

#endif /* RCS_EVLOOP_H */
