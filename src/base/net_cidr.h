/*
 * net_cidr.h
 *	  Lists of networks, and whether an address is in one of them.
 */
#ifndef RCS_NET_CIDR_H
#define RCS_NET_CIDR_H

#include <netinet/in.h>
#include <sys/socket.h>

#define RCS_CIDR_TEXT_MAX 64

/* of IPv6; those of IPv4 stand in ::ffff:0:0/96, as the kernel shows them to a socket of both */
typedef struct RcsCidr
{
	struct in6_addr address;
	int bits;
} RcsCidr;

/*
 * Networks and addresses, separated by commas or white space.  How many there are;
 * -1 when there is another thing among them, which is copied into "bad", or when there
 * are more than "max", and then "bad" is empty.  Raises nothing and allocates nothing.
 */
extern int rcs_cidr_list(const char *text, RcsCidr *list, int max, char bad[RCS_CIDR_TEXT_MAX]);

/* As an address of IPv6; false, and all zeros: it is none of the two. */
extern bool rcs_net_map(const struct sockaddr *address, struct in6_addr *it);

extern bool rcs_cidr_match(const RcsCidr *list, int n, const struct sockaddr *address);

/* An address as it stands in a setting, with a port: its length; 0 when it is none. */
extern socklen_t rcs_net_parse(const char *text, int port, struct sockaddr_storage *address);

#endif /* RCS_NET_CIDR_H */
