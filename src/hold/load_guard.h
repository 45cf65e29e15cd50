/*
 * load_guard.h
 *		COPY ... FROM of a dump into tables that hold something.
 */
#ifndef RCS_LOAD_GUARD_H
#define RCS_LOAD_GUARD_H

extern void rcs_load_guard_init(void);

#endif /* RCS_LOAD_GUARD_H */
