/*
 * net_cidr.c
 *	  Lists of networks, and whether an address is in one of them.
 *
 * Called by settings and inside of libmicrohttpd: nothing raises, nothing allocates.
 *
 * Must not know the caller.
 */
#include "postgres.h"

#include <arpa/inet.h>

#include "base/net_cidr.h"

#define SEPARATORS ", \t\r\n"
#define V4_BITS 96 /* of the prefix that marks an address of IPv4 */

static void
map_v4(const struct in_addr *v4, struct in6_addr *mapped)
{
	memset(mapped, 0, sizeof(*mapped));
	mapped->s6_addr[10] = mapped->s6_addr[11] = 0xff;
	memcpy(&mapped->s6_addr[12], v4, sizeof(*v4));
}

static bool
parse_bits(const char *text, int max, int *bits)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (end == text || *end != '\0' || n < 0 || n > max || !isdigit((unsigned char) *text))
		return false;
	*bits = (int) n;
	return true;
}

/* The slash is overwritten, so that the address ends there. */
static bool
parse_one(char *text, RcsCidr *cidr)
{
	char *slash = strchr(text, '/');
	struct in_addr v4;

	if (slash != NULL)
		*slash = '\0';
	if (inet_pton(AF_INET, text, &v4) == 1)
	{
		map_v4(&v4, &cidr->address);
		cidr->bits = 32;
		if (slash != NULL && !parse_bits(slash + 1, 32, &cidr->bits))
			return false;
		cidr->bits += V4_BITS;
		return true;
	}
	cidr->bits = 128;
	return inet_pton(AF_INET6, text, &cidr->address) == 1 &&
		   (slash == NULL || parse_bits(slash + 1, 128, &cidr->bits));
}

int
rcs_cidr_list(const char *text, RcsCidr *list, int max, char bad[RCS_CIDR_TEXT_MAX])
{
	int n = 0;

	for (;;)
	{
		char one[RCS_CIDR_TEXT_MAX];
		size_t len;

		text += strspn(text, SEPARATORS);
		len = strcspn(text, SEPARATORS);
		if (len == 0)
			return n;
		bad[0] = '\0';
		if (n == max)
			return -1;
		strlcpy(bad, text, Min(len + 1, RCS_CIDR_TEXT_MAX));
		memcpy(one, bad, sizeof(one));
		if (len >= sizeof(one) || !parse_one(one, &list[n]))
			return -1;
		n++;
		text += len;
	}
}

static bool
in_network(const RcsCidr *network, const struct in6_addr *address)
{
	int bytes = network->bits / 8;
	int rest = network->bits % 8;

	if (memcmp(network->address.s6_addr, address->s6_addr, bytes) != 0)
		return false;
	return rest == 0 ||
		   (network->address.s6_addr[bytes] ^ address->s6_addr[bytes]) >> (8 - rest) == 0;
}

bool
rcs_net_map(const struct sockaddr *address, struct in6_addr *it)
{
	memset(it, 0, sizeof(*it));
	if (address->sa_family == AF_INET)
		map_v4(&((const struct sockaddr_in *) address)->sin_addr, it);
	else if (address->sa_family == AF_INET6)
		*it = ((const struct sockaddr_in6 *) address)->sin6_addr;
	else
		return false;
	return true;
}

bool
rcs_cidr_match(const RcsCidr *list, int n, const struct sockaddr *address)
{
	struct in6_addr it;

	if (!rcs_net_map(address, &it))
		return false;
	for (int i = 0; i < n; i++)
		if (in_network(&list[i], &it))
			return true;
	return false;
}

socklen_t
rcs_net_parse(const char *text, int port, struct sockaddr_storage *address)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *) address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *) address;

	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
	{
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16) port);
		return sizeof(*v4);
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) != 1)
		return 0;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16) port);
	return sizeof(*v6);
}
