/*
 * worker.h
 *		The life of every worker process of a database.
 */
#ifndef RCS_WORKER_H
#define RCS_WORKER_H

#include "process/slots.h"

/*
 * Attach, connect, find the extension, take a generation.  Returns only in a
 * database that has the extension; the worker ends with rcs_worker_end().
 */
extern RcsSlot *rcs_worker_begin(Datum main_arg);
extern void rcs_worker_loop_housekeeping(void);
extern uint32 rcs_worker_reloads(void); /* how often settings were read again */

/*
 * A generation is a number that this process writes into its leases.  Its session lock
 * is held exactly as long as the process remembers them.
 */
extern int64 rcs_worker_generation(void);
extern void rcs_worker_new_generation(void);
extern bool rcs_generation_alive(int64 generation);

#endif /* RCS_WORKER_H */
