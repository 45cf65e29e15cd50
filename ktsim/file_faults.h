/*
 * file_faults.h
 *	  Which fault, if any, befalls an upload, and what is replied then.
 *
 * Knows the switches and the replies; not the carrier's rules.
 */
#ifndef KTSIM_FILE_FAULTS_H
#define KTSIM_FILE_FAULTS_H

#include "sim.h"

/* In the order of the throw. */
typedef enum SimFileFault
{
	SIM_FF_CLOSE, /* up to THROTTLE: the carrier never sees it */
	SIM_FF_HANG,
	SIM_FF_500,
	SIM_FF_THROTTLE,
	SIM_FF_ERROR, /* from here on: in place of a plain success */
	SIM_FF_STORE_500,
	SIM_FF_STORE_CLOSE,
	SIM_FF_STORE_HANG,
	SIM_FF_STORE_GARBAGE,
	SIM_FF_NONE
} SimFileFault;

#define SIM_FILE_FAULT_IS_EARLY(fault) ((fault) <= SIM_FF_THROTTLE)

extern SimFileFault sim_file_fault_roll(Sim *sim);
extern SimReply sim_file_fault_reply(Sim *sim, SimFileFault fault);

#endif /* KTSIM_FILE_FAULTS_H */
