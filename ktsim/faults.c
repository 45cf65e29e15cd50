/*
 * faults.c
 *	  Which fault, if any, befalls an offer, and what is replied then.
 *
 * Knows the switches and the replies; not the carrier's rules.
 */
#include "faults.h"

#include <stddef.h>

typedef struct FaultInfo
{
	size_t percent;	  /* where its share is, in SimSwitches */
	SimAction action; /* SIM_ANSWER: see sim_fault_reply() */
} FaultInfo;

#define FAULT(name, action)                       \
	{                                             \
		offsetof(SimSwitches, name##_pct), action \
	}

static const FaultInfo infos[SIM_F_NONE] = {
	[SIM_F_CLOSE] = FAULT(close, SIM_CUT),
	[SIM_F_HANG] = FAULT(hang, SIM_HANG),
	[SIM_F_STATUS] = FAULT(status, SIM_ANSWER),
	[SIM_F_HTML] = FAULT(html, SIM_ANSWER),
	[SIM_F_UNAUTHORIZED] = FAULT(unauthorized, SIM_ANSWER),
	[SIM_F_THROTTLE] = FAULT(throttle, SIM_ANSWER),
	[SIM_F_ENDLESS] = FAULT(endless, SIM_ENDLESS),
	[SIM_F_GZIP_BOMB] = FAULT(gzip_bomb, SIM_ANSWER),
	[SIM_F_BIG_HEADER] = FAULT(big_header, SIM_BIG_HEADER),
	[SIM_F_ERROR_CODE] = FAULT(error, SIM_ANSWER),
	[SIM_F_ACCEPT_500] = FAULT(accept_then_500, SIM_ANSWER),
	[SIM_F_ACCEPT_CLOSE] = FAULT(accept_then_close, SIM_CUT),
	[SIM_F_ACCEPT_HANG] = FAULT(accept_then_hang, SIM_HANG),
	[SIM_F_GARBAGE] = FAULT(garbage, SIM_ANSWER),
	[SIM_F_HALF_CLOSE] = FAULT(half_close, SIM_HALF_CLOSE),
	[SIM_F_STALL] = FAULT(stall, SIM_STALL),
	[SIM_F_RESET] = FAULT(reset, SIM_RESET),
	[SIM_F_TRUNCATE] = FAULT(truncate, SIM_ANSWER),
	[SIM_F_HTML200] = FAULT(html200, SIM_ANSWER),
	[SIM_F_DEEP_JSON] = FAULT(deep_json, SIM_ANSWER),
	[SIM_F_DIGITS] = FAULT(digits, SIM_ANSWER),
	[SIM_F_DUPLICATE_KEYS] = FAULT(duplicate_keys, SIM_ANSWER),
};

/* One throw for all faults, so that their percentages add up. */
SimFault
sim_fault_roll(Sim *sim)
{
	double left = sim_random_below(&sim->random, 100);

	/* nearly always, so that an offer does not pay for the length of the list */
	if (left >= sim->switches.fault_sum)
		return SIM_F_NONE;
	for (int i = 0; i < SIM_F_NONE; i++)
	{
		double percent = *(const double *) ((const char *) &sim->switches + infos[i].percent);

		if (left < percent)
			return (SimFault) i;
		left -= percent;
	}
	return SIM_F_NONE;
}

/* Of an early fault. */
SimDecision
sim_fault_decision(SimFault fault, const char **code)
{
	*code = NULL;
	if (fault == SIM_F_UNAUTHORIZED)
		return SIM_TOKEN;
	if (fault != SIM_F_THROTTLE)
		return SIM_FAULT;
	*code = SIM_CODE_THROTTLED;
	return SIM_THROTTLED;
}

SimReply
sim_fault_reply(Sim *sim, SimFault fault)
{
	switch (fault)
	{
		case SIM_F_STATUS:
			return sim_answer_status((unsigned) sim->switches.status_code);
		case SIM_F_HTML:
			return sim_answer_html();
		case SIM_F_UNAUTHORIZED:
			return sim_answer_status(401);
		case SIM_F_THROTTLE:
			return sim_answer_throttled((uint64_t) sim->switches.retry_after_ms);
		case SIM_F_GZIP_BOMB:
			return sim_answer_odd(SIM_ODD_GZIP_BOMB);
		case SIM_F_ACCEPT_500:
			return sim_answer_status(500);
		case SIM_F_GARBAGE:
			return sim_answer_garbage(&sim->random);
		case SIM_F_TRUNCATE:
			return sim_answer_odd(SIM_ODD_TRUNCATED);
		case SIM_F_HTML200:
			return sim_answer_odd(SIM_ODD_HTML);
		case SIM_F_DEEP_JSON:
			return sim_answer_odd(SIM_ODD_DEEP);
		case SIM_F_DIGITS:
			return sim_answer_odd(SIM_ODD_DIGITS);
		case SIM_F_DUPLICATE_KEYS:
			return sim_answer_odd(SIM_ODD_DUPLICATE_KEYS);
		case SIM_F_ERROR_CODE:
		case SIM_F_NONE:
			return sim_answer_accepted();
		default:
			break;
	}
	/* where bytes are sent at all, they tell of success */
	return (SimReply){.action = infos[fault].action,
					  .status = SIM_ON_WIRE(infos[fault].action) ? 200 : 0};
}
