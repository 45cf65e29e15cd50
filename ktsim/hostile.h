/*
 * hostile.h
 *	  Bodies that no carrier should push, for the receiver to survive.
 *
 * Knows bytes only.
 */
#ifndef KTSIM_HOSTILE_H
#define KTSIM_HOSTILE_H

#include "notices.h"

#define SIM_HOSTILE_KINDS 9

extern SimNotice *sim_hostile(int kind);

#endif /* KTSIM_HOSTILE_H */
