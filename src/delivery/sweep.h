/*
 * sweep.h
 *		Looks after what others left behind: leases, tallies, reports and changes.
 */
#ifndef RCS_SWEEP_H
#define RCS_SWEEP_H

/* Once a round; transactions of their own. */
extern void rcs_sweep_when_due(int64 now_us);

/* True: the work of processes that ended before this one began is in the queue again, and goes first. */
extern bool rcs_swept(void);

/* The listener counts what it stores; this counts what rcs_receive() was called with directly. */
extern void rcs_count_when_due(int64 now_us);

/*
 * A hold of the database has ended.  If a dump was loaded during it, the sequence of
 * generations was set too: a new generation is not among those of the leases in the dump.
 */
extern void rcs_sweep_anew(void);

#endif /* RCS_SWEEP_H */
