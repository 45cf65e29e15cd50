/*
 * delays.h
 *	  Things to be taken up again at a given time, soonest first.
 *
 * Knows nothing of what it holds.
 */
#ifndef KTSIM_DELAYS_H
#define KTSIM_DELAYS_H

#include <stddef.h>
#include <stdint.h>

typedef struct SimDelay
{
	uint64_t due_us; /* sim_clock_us() scale */
	void *what;
} SimDelay;

typedef struct SimDelays
{
	SimDelay *heap;
	size_t count;
	size_t capacity;
} SimDelays;

extern void sim_delays_add(SimDelays *delays, uint64_t due_us, void *what);
extern void *sim_delays_take(SimDelays *delays, uint64_t now_us);
extern uint64_t sim_delays_next(const SimDelays *delays);

#endif /* KTSIM_DELAYS_H */
