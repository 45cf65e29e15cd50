/*
 * server.h
 *	  The HTTP side: connections in, replies out, one thread.
 *
 * Knows libmicrohttpd; not what the carrier's rules are.
 */
#ifndef KTSIM_SERVER_H
#define KTSIM_SERVER_H

#include <stdint.h>

#include "delays.h"
#include "sim.h"

typedef struct SimRequest SimRequest;

/* As PEM; both NULL: no TLS. */
typedef struct SimTls
{
	char *chain;
	char *key;
} SimTls;

/* Which of the carrier's endpoints it has; those of the stand-in are on both. */
typedef enum SimRole
{
	SIM_ALL,
	SIM_BUT_QUERY,
	SIM_QUERY_ONLY
} SimRole;

typedef struct SimServer
{
	Sim *sim;
	SimRole role;
	bool tls;
	struct MHD_Daemon *daemon;
	int listen_fd;
	int epoll_fd;	   /* readable when sim_server_run() has work */
	SimDelays delays;  /* requests that wait for their answer */
	SimRequest *spare; /* finished requests, kept with their buffers */
} SimServer;

extern void sim_server_start(SimServer *server, Sim *sim, const char *address, uint16_t port,
							 const SimTls *tls);
extern uint16_t sim_server_port(const SimServer *server);
extern uint64_t sim_server_wait_us(const SimServer *server);
extern void sim_server_run(SimServer *server);
extern void sim_server_stop(SimServer *server);

#endif /* KTSIM_SERVER_H */
