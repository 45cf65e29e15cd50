/*
 * guess_brake.c
 *		Slows down clients that guess secrets.
 *
 * The answer to a wrong secret waits for a second if its client has shown a few wrong ones
 * lately.  The connection is in use meanwhile, also when the client has gone, so wrong
 * secrets are at most as many a second as there are connections.  The right one is answered
 * at once, whoever guesses beside it.  While more addresses guess than are remembered,
 * those that are not share one place.
 *
 * Called inside of libmicrohttpd: raises nothing and allocates nothing.  Must not know a
 * secret, or a request.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/monotonic.h"
#include "base/net_cidr.h"
#include "listener/guess_brake.h"

#define MAX_CLIENTS 256
#define FREE_TRIES 5
#define FORGIVEN_US (10 * USECS_PER_SEC) /* one wrong secret */

typedef struct Client
{
	struct in6_addr network;
	int64 until; /* when all its wrong secrets are forgiven */
} Client;

static Client clients[MAX_CLIENTS];
static Client others;

/* A network of IPv6 is one client: whoever has an address there has all of them. */
static struct in6_addr
network_of(const struct sockaddr *address)
{
	struct in6_addr it;

	rcs_net_map(address, &it);
	if (!IN6_IS_ADDR_V4MAPPED(&it))
		memset(&it.s6_addr[8], 0, 8);
	return it;
}

/* The place of this client; a free one if it has none. */
static Client *
find(const struct sockaddr *address, int64 now)
{
	struct in6_addr network = network_of(address);
	Client *place = &others;

	for (int i = 0; i < MAX_CLIENTS; i++)
	{
		Client *c = &clients[i];

		if (c->until > now && memcmp(&c->network, &network, sizeof(network)) == 0)
			return c;
		if (c->until <= now)
			place = c;
	}
	if (place != &others)
		place->network = network;
	return place;
}

bool
rcs_guess_wrong(const struct sockaddr *client)
{
	int64 now = rcs_now_us();
	Client *c = find(client, now);

	c->until = Min(Max(c->until, now) + FORGIVEN_US, now + (FREE_TRIES + 1) * FORGIVEN_US);
	return c->until - now > FREE_TRIES * FORGIVEN_US;
}
