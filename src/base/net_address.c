/*
 * net_address.c
 *	  Which addresses of the network a request may go to.
 *
 * The owner of a name decides which address it has, and may change it between two
 * look-ups.  So each address is judged when its socket is made.  An address that is not
 * known to be of the internet is refused.  Called inside curl: nothing raises, nothing
 * allocates.
 *
 * Must not know HTTP or the caller.
 */
#include "postgres.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/net_address.h"

typedef enum Kind
{
	KIND_PUBLIC,
	KIND_PRIVATE,
	KIND_LOOPBACK,
	KIND_SPECIAL /* no honest request goes there */
} Kind;

typedef struct Network4
{
	uint32 address;
	int bits;
	Kind kind;
} Network4;

/* the special-purpose registry of IPv4 */
static const Network4 networks4[] = {
	{0x00000000, 8, KIND_SPECIAL}, /* unspecified */
	{0x0A000000, 8, KIND_PRIVATE},
	{0x64400000, 10, KIND_PRIVATE}, /* shared by customers of a carrier */
	{0x7F000000, 8, KIND_LOOPBACK},
	{0xA9FE0000, 16, KIND_SPECIAL}, /* link-local: metadata of clouds */
	{0xAC100000, 12, KIND_PRIVATE},
	{0xC0000000, 24, KIND_SPECIAL},
	{0xC0000200, 24, KIND_SPECIAL}, /* documentation */
	{0xC0586300, 24, KIND_SPECIAL}, /* 6to4 relays */
	{0xC0A80000, 16, KIND_PRIVATE},
	{0xC6120000, 15, KIND_SPECIAL}, /* benchmarks */
	{0xC6336400, 24, KIND_SPECIAL}, /* documentation */
	{0xCB007100, 24, KIND_SPECIAL}, /* documentation */
	{0xE0000000, 3, KIND_SPECIAL},	/* multicast, reserved, broadcast */
};

static Kind
kind_of_v4(uint32 address)
{
	for (int i = 0; i < (int) lengthof(networks4); i++)
		if ((address ^ networks4[i].address) >> (32 - networks4[i].bits) == 0)
			return networks4[i].kind;
	return KIND_PUBLIC;
}

static uint32
last_four(const uint8 *b)
{
	return (uint32) b[12] << 24 | (uint32) b[13] << 16 | (uint32) b[14] << 8 | b[15];
}

/*
 * Forms that wrap an address of IPv4 are refused, but for that of NAT64, by
 * which a host without IPv4 reaches the rest.
 */
static Kind
kind_of_v6(const struct in6_addr *address)
{
	static const uint8 nat64[12] = {0x00, 0x64, 0xff, 0x9b};
	const uint8 *b = address->s6_addr;

	if (IN6_IS_ADDR_LOOPBACK(address))
		return KIND_LOOPBACK;
	if ((b[0] & 0xfe) == 0xfc)
		return KIND_PRIVATE;
	if (memcmp(b, nat64, sizeof(nat64)) == 0)
		return kind_of_v4(last_four(b)) == KIND_PUBLIC ? KIND_PUBLIC : KIND_SPECIAL;
	if ((b[0] & 0xe0) != 0x20)
		return KIND_SPECIAL; /* mapped, link-local, multicast, unspecified */
	if (b[0] == 0x20 && b[1] == 0x02)
		return KIND_SPECIAL; /* 6to4 */
	if (b[0] == 0x20 && b[1] == 0x01 && (b[2] < 0x02 || (b[2] == 0x0d && b[3] == 0xb8)))
		return KIND_SPECIAL; /* Teredo and other protocols, documentation */
	if (b[0] == 0x3f && b[1] == 0xff && b[2] < 0x10)
		return KIND_SPECIAL; /* documentation */
	return KIND_PUBLIC;
}

static Kind
kind_of(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return kind_of_v4(ntohl(((const struct sockaddr_in *) address)->sin_addr.s_addr));
	if (address->sa_family == AF_INET6)
		return kind_of_v6(&((const struct sockaddr_in6 *) address)->sin6_addr);
	return KIND_SPECIAL;
}

const char *
rcs_address_refusal(const struct sockaddr *address, RcsReach reach)
{
	Kind kind;

	if (reach == RCS_REACH_ANY)
		return NULL;
	kind = kind_of(address);
	if (kind == KIND_LOOPBACK && reach != RCS_REACH_PUBLIC)
		return NULL;
	if (reach == RCS_REACH_LOOPBACK)
		return "the host is not this machine";
	if (kind == KIND_PUBLIC || (kind == KIND_PRIVATE && reach == RCS_REACH_PRIVATE))
		return NULL;
	return kind == KIND_SPECIAL ? "the address of the host is for special purposes"
								: "the address of the host is of a private network";
}

RcsReach
rcs_reach_of_host(const char *host, bool allow_private)
{
	struct in6_addr any;

	if (inet_pton(AF_INET, host, &any) == 1 || inet_pton(AF_INET6, host, &any) == 1)
		return RCS_REACH_ANY;
	if (pg_strcasecmp(host, "localhost") == 0)
		return RCS_REACH_LOOPBACK;
	return allow_private ? RCS_REACH_PRIVATE : RCS_REACH_PUBLIC;
}
