/*
 * overdue.h
 *		Which messages have waited too long for their report.  For poll.c.
 */
#ifndef RCS_OVERDUE_H
#define RCS_OVERDUE_H

extern bool rcs_overdue_wanted(int64 now_us, int64 *wait_us);
extern void rcs_overdue_look(int64 now_us); /* in a transaction */
extern void rcs_overdue_looked(bool committed, int64 now_us);

#endif /* RCS_OVERDUE_H */
