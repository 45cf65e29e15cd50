/*
 * push.h
 *	  The HTTP client: notices go to the customer until he says 200.
 *
 * Knows libcurl, batches and tries; not what a notice says.
 */
#ifndef KTSIM_PUSH_H
#define KTSIM_PUSH_H

#include "delays.h"
#include "notices.h"
#include "switches.h"
#include "util.h"

typedef enum SimLaneId
{
	SIM_LANE_REPORTS,
	SIM_LANE_INBOUND,
	SIM_LANES
} SimLaneId;

typedef struct SimLane
{
	SimNotices waiting;
	int64_t active; /* posts on their way */
	uint64_t taken; /* notices, like the next two */
	uint64_t given_up;
	uint64_t dropped; /* there is no URL, or too many wait */
} SimLane;

typedef struct SimPost SimPost;

typedef struct SimPush
{
	const SimSwitches *switches;
	SimPushLedger ledger;
	const char *ca_file; /* or NULL */
	SimRandom random;
	SimLane lanes[SIM_LANES];
	int epoll_fd; /* readable when sim_push_run() has work */
	void *multi;
	uint64_t timer_us; /* when libcurl wants to be called */
	SimDelays retries;
	SimPost *posts;
	uint64_t hostile_turn;
	uint64_t tries; /* posts made, each try counted */
	uint64_t failures;
	uint64_t connections; /* opened */
} SimPush;

extern void sim_push_start(SimPush *push, const SimSwitches *switches, const char *ledger);
extern bool sim_push_possible(const SimPush *push, SimLaneId lane);
extern void sim_push_add(SimPush *push, SimLaneId lane, SimNotice *notice);
extern uint64_t sim_push_next(const SimPush *push);
extern void sim_push_run(SimPush *push);
extern void sim_push_stop(SimPush *push);

#endif /* KTSIM_PUSH_H */
