/*
 * monotonic.h
 *	  Time that runs on when the clock is set: for pauses and time-outs that end with
 *	  the process.  Dates on disk are those of the clock.
 */
#ifndef RCS_MONOTONIC_H
#define RCS_MONOTONIC_H

#include <time.h>

/* in microseconds, like all times here and those of PostgreSQL */
#define SECOND INT64CONST(1000000)

/* microseconds since some moment */
static inline int64
rcs_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64) ts.tv_sec * INT64CONST(1000000) + ts.tv_nsec / 1000;
}

#endif /* RCS_MONOTONIC_H */
