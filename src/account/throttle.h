/*
 * throttle.h
 *		How fast campaigns may go after "too fast": arithmetic only, on a clock that the caller reads.
 */
#ifndef RCS_THROTTLE_H
#define RCS_THROTTLE_H

#define RCS_THROTTLE_TENTHS 10

/* All zero is a valid throttle that lowers nothing.  Rates are per second. */
typedef struct RcsThrottle
{
	int64
		since; /* last lowering, refusal while locked, or first message after it; 0 = not lowered */
	double at; /* what the carrier really took before it refused */
	double top;	   /* the same of the first refusal in a row */
	double from;   /* the part of "at" that the rate begins with */
	int64 plateau; /* how long it stays below "at" */
	bool locked;   /* no message has passed since */
	bool told;	   /* the pause is a Retry-After */
	int64 pause;
	int64 paused_until;
	int64 probe_until;

	/* the last second, by tenths */
	uint16 offers[RCS_THROTTLE_TENTHS];
	uint16 passed[RCS_THROTTLE_TENTHS];
	int64 tenth;
} RcsThrottle;

/* contract: 0 = none; the rate: 0 = no limit */
extern double rcs_throttle_rate(RcsThrottle *t, double contract, int64 now);
extern bool rcs_throttle_waits(const RcsThrottle *t, int64 now, int64 *wait_us);
extern void rcs_throttle_offered(RcsThrottle *t, int64 now, bool campaign);
extern void rcs_throttle_refused(RcsThrottle *t, double contract, int64 started, int64 now,
								 int64 retry_after);
extern void rcs_throttle_passed(RcsThrottle *t, int64 started, int64 now);
extern void rcs_throttle_forget(RcsThrottle *t);

#endif /* RCS_THROTTLE_H */
