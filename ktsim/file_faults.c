/*
 * file_faults.c
 *	  Which fault, if any, befalls an upload, and what is replied then.
 *
 * Knows the switches and the replies; not the carrier's rules.
 */
#include "file_faults.h"

/* One throw for all faults, from dice of their own: messages have theirs. */
SimFileFault
sim_file_fault_roll(Sim *sim)
{
	const SimSwitches *switches = &sim->switches;
	const double percents[SIM_FF_NONE] = {
		[SIM_FF_CLOSE] = switches->file_close_pct,
		[SIM_FF_HANG] = switches->file_hang_pct,
		[SIM_FF_500] = switches->file_500_pct,
		[SIM_FF_THROTTLE] = switches->file_throttle_pct,
		[SIM_FF_ERROR] = switches->file_error_pct,
		[SIM_FF_STORE_500] = switches->file_store_500_pct,
		[SIM_FF_STORE_CLOSE] = switches->file_store_close_pct,
		[SIM_FF_STORE_HANG] = switches->file_store_hang_pct,
		[SIM_FF_STORE_GARBAGE] = switches->file_store_garbage_pct,
	};
	double rest = sim_random_below(&sim->file_random, 100);

	if (switches->file_fault_count > 0 && sim->file_faults >= (uint64_t) switches->file_fault_count)
		return SIM_FF_NONE;
	for (int i = 0; i < SIM_FF_NONE; i++)
	{
		if (rest < percents[i])
			return (SimFileFault) i;
		rest -= percents[i];
	}
	return SIM_FF_NONE;
}

/* Call only for a fault that takes effect: it is counted here. */
SimReply
sim_file_fault_reply(Sim *sim, SimFileFault fault)
{
	sim->file_faults++;
	switch (fault)
	{
		case SIM_FF_CLOSE:
		case SIM_FF_STORE_CLOSE:
			return (SimReply){.action = SIM_CUT};
		case SIM_FF_HANG:
		case SIM_FF_STORE_HANG:
			return (SimReply){.action = SIM_HANG};
		case SIM_FF_THROTTLE:
			return sim_answer_throttled((uint64_t) sim->switches.retry_after_ms);
		case SIM_FF_ERROR:
			return sim_answer_code(sim->switches.file_error_code);
		case SIM_FF_STORE_GARBAGE:
			return sim_answer_garbage(&sim->file_random);
		default:
			break;
	}
	return sim_answer_status(500);
}
