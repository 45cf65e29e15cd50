/*
 * fault.h
 *		Places where a test build can be made to die, fail or wait.
 *
 * Only "make FAULTS=1" compiles them in; otherwise nothing of them is there.
 */
#ifndef RCS_FAULT_H
#define RCS_FAULT_H

#ifdef RCS_FAULTS
extern void rcs_fault(const char *point);
#define RCS_FAULT(point) rcs_fault(point)
#else
#define RCS_FAULT(point) ((void) 0)
#endif

#endif /* RCS_FAULT_H */
