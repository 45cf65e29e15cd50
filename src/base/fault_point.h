/*
 * fault_point.h
 *		Places where a test build can be made to die, fail or wait.
 *
 * Only "make FAULTS=1" compiles them in; otherwise nothing of them is there.
 */
#ifndef RCS_FAULT_POINT_H
#define RCS_FAULT_POINT_H

#ifdef RCS_FAULTS
extern void rcs_fault(const char *point);
extern bool rcs_fault_late(const char *point);
#define RCS_FAULT(point) rcs_fault(point)
#define RCS_FAULT_LATE(point) rcs_fault_late(point)
#else
#define RCS_FAULT(point) ((void) 0)
#define RCS_FAULT_LATE(point) false
#endif

#endif /* RCS_FAULT_POINT_H */
