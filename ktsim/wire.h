/*
 * wire.h
 *	  Answers that go wrong below HTTP, written to the socket by hand.
 *
 * Knows bytes and sockets; not requests, and not TLS.
 */
#ifndef KTSIM_WIRE_H
#define KTSIM_WIRE_H

#include <stddef.h>

#include "sim.h"

typedef enum SimWireState
{
	SIM_WIRE_AGAIN, /* the socket is full, or it is the others' turn */
	SIM_WIRE_WATCH, /* keep it open until the client leaves */
	SIM_WIRE_OVER	/* close it */
} SimWireState;

extern SimWireState sim_wire_pump(SimAction action, int fd, size_t *sent);
extern void sim_wire_free(void);

#endif /* KTSIM_WIRE_H */
