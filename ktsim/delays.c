/*
 * delays.c
 *	  Things to be taken up again at a given time: a binary heap.
 *
 * Knows nothing of what it holds.
 */
#include "delays.h"

#include "util.h"

void
sim_delays_add(SimDelays *delays, uint64_t due_us, void *what)
{
	size_t at = delays->count++;

	if (delays->count > delays->capacity)
	{
		delays->capacity = delays->capacity ? delays->capacity * 2 : 256;
		delays->heap = sim_resize(delays->heap, delays->capacity * sizeof(SimDelay));
	}
	while (at > 0 && delays->heap[(at - 1) / 2].due_us > due_us)
	{
		delays->heap[at] = delays->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	delays->heap[at] = (SimDelay){due_us, what};
}

/* The next thing due at this time, taken out; NULL when there is none. */
void *
sim_delays_take(SimDelays *delays, uint64_t now_us)
{
	void *what;
	SimDelay last;
	size_t at = 0;

	if (delays->count == 0 || delays->heap[0].due_us > now_us)
		return NULL;
	what = delays->heap[0].what;
	last = delays->heap[--delays->count];
	for (;;)
	{
		size_t child = 2 * at + 1;

		if (child + 1 < delays->count &&
			delays->heap[child + 1].due_us < delays->heap[child].due_us)
			child++;
		if (child >= delays->count || delays->heap[child].due_us >= last.due_us)
			break;
		delays->heap[at] = delays->heap[child];
		at = child;
	}
	delays->heap[at] = last;
	return what;
}

/* When something is next due; UINT64_MAX when nothing waits. */
uint64_t
sim_delays_next(const SimDelays *delays)
{
	return delays->count > 0 ? delays->heap[0].due_us : UINT64_MAX;
}
