/*
 * listener_shared.h
 *		The state of the listener in shared memory, for other processes.
 */
#ifndef RCS_LISTENER_SHARED_H
#define RCS_LISTENER_SHARED_H

#include "port/atomics.h"

#define RCS_LISTENER_ADDRESS_LEN 64
#define RCS_LISTENER_PROBLEM_LEN 200

/* Counts go on rising when the process is replaced. */
typedef enum RcsListenerCount
{
	RCS_LISTENER_OK,		  /* answers 200 */
	RCS_LISTENER_BAD,		  /* answers 4xx */
	RCS_LISTENER_FAILED,	  /* answers 5xx */
	RCS_LISTENER_STORED,	  /* reports and messages that were new */
	RCS_LISTENER_TURNED_AWAY, /* connections, for their address */
	RCS_LISTENER_CUT,		  /* connections, for being slow */
	RCS_LISTENER_COUNTS
} RcsListenerCount;

extern void rcs_listener_shared_init(void);

/* the listener only; problem: NULL when all is well */
extern void rcs_listener_tell(const char *address, int port, bool listening, const char *problem);
extern void rcs_listener_count(RcsListenerCount what, uint64 n);

#endif /* RCS_LISTENER_SHARED_H */
