/*
 * net_address.h
 *	  Which addresses of the network a request may go to.
 */
#ifndef RCS_NET_ADDRESS_H
#define RCS_NET_ADDRESS_H

#include <sys/socket.h>

typedef enum RcsReach
{
	RCS_REACH_ANY,
	RCS_REACH_PUBLIC,  /* addresses of the internet only */
	RCS_REACH_PRIVATE, /* those of this machine and of private networks, too */
	RCS_REACH_LOOPBACK /* this machine only */
} RcsReach;

/* NULL, or why this address is out of reach.  Raises nothing and allocates nothing. */
extern const char *rcs_address_refusal(const struct sockaddr *address, RcsReach reach);

/* The reach of a request to a host of this name.  A literal address is not limited. */
extern RcsReach rcs_reach_of_host(const char *host, bool allow_private);

#endif /* RCS_NET_ADDRESS_H */
