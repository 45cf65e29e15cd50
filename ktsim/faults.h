/*
 * faults.h
 *	  Which fault, if any, befalls an offer, and what is replied then.
 *
 * Knows the switches and the replies; not the carrier's rules.
 */
#ifndef KTSIM_FAULTS_H
#define KTSIM_FAULTS_H

#include "sim.h"

/* In the order of the throw. */
typedef enum SimFault
{
	SIM_F_CLOSE, /* up to BIG_HEADER: the carrier never sees it */
	SIM_F_HANG,
	SIM_F_STATUS,
	SIM_F_HTML,
	SIM_F_UNAUTHORIZED,
	SIM_F_THROTTLE,
	SIM_F_ENDLESS,
	SIM_F_GZIP_BOMB,
	SIM_F_BIG_HEADER,
	SIM_F_ERROR_CODE, /* from here on: in place of a plain acceptance */
	SIM_F_ACCEPT_500,
	SIM_F_ACCEPT_CLOSE,
	SIM_F_ACCEPT_HANG,
	SIM_F_GARBAGE,
	SIM_F_HALF_CLOSE,
	SIM_F_STALL,
	SIM_F_RESET,
	SIM_F_TRUNCATE,
	SIM_F_HTML200,
	SIM_F_DEEP_JSON,
	SIM_F_DIGITS,
	SIM_F_DUPLICATE_KEYS,
	SIM_F_NONE
} SimFault;

#define SIM_FAULT_IS_EARLY(fault) ((fault) <= SIM_F_BIG_HEADER)

extern SimFault sim_fault_roll(Sim *sim);
extern SimDecision sim_fault_decision(SimFault fault, const char **code);
extern SimReply sim_fault_reply(Sim *sim, SimFault fault);

#endif /* KTSIM_FAULTS_H */
