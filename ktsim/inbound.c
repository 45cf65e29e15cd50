/*
 * inbound.c
 *	  Messages of users to a chat room, and the replies to them.
 *
 * Knows reply ids and the rules of a session; not how a message is pushed.
 */
#include "inbound.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

#define BUCKETS 65536
#define US_PER_S UINT64_C(1000000)
#define CHECK_NEVER 0
#define CHECK_ALWAYS 1

static SimInbound *
find(const SimInbounds *inbounds, const char *reply_id)
{
	SimInbound *inbound = NULL;

	if (inbounds->buckets != NULL)
		inbound = inbounds->buckets[sim_hash(reply_id, strlen(reply_id), 0) % BUCKETS];
	while (inbound != NULL && strcmp(inbound->reply_id, reply_id) != 0)
		inbound = inbound->next;
	return inbound;
}

/* The one that is known under this id already, if there is one. */
SimInbound *
sim_inbound_add(SimInbounds *inbounds, const char *reply_id, const char *phone, const char *chatbot)
{
	SimInbound *inbound = find(inbounds, reply_id);
	SimInbound **bucket;

	if (inbound != NULL)
		return inbound;
	if (inbounds->buckets == NULL)
		inbounds->buckets = sim_alloc(BUCKETS * sizeof(SimInbound *));
	bucket = &inbounds->buckets[sim_hash(reply_id, strlen(reply_id), 0) % BUCKETS];
	inbound = sim_alloc(sizeof(SimInbound));
	sim_field_set(inbound->reply_id, reply_id);
	sim_field_set(inbound->phone, phone);
	sim_field_set(inbound->chatbot, chatbot);
	inbound->made_us = sim_clock_us();
	inbound->next = *bucket;
	*bucket = inbound;
	inbounds->count++;
	inbounds->made++;
	return inbound;
}

/* May this chat message be sent?  NULL, or the code of the rule it breaks. */
const char *
sim_inbound_check(const SimInbounds *inbounds, const SimSwitches *switches,
				  const SimReplyOffer *offer)
{
	const SimInbound *inbound;

	if (switches->reply_id_check == CHECK_NEVER ||
		(switches->reply_id_check != CHECK_ALWAYS && inbounds->count == 0))
		return NULL;
	inbound = find(inbounds, offer->reply_id);
	if (inbound == NULL)
		return "72137";
	if (sim_clock_us() - inbound->made_us >= (uint64_t) switches->reply_id_ttl_s * US_PER_S)
		return "72138";
	if (strcmp(inbound->phone, offer->phone) != 0)
		return "55885";
	if (strcmp(inbound->chatbot, offer->chatbot) != 0)
		return "55886";
	return inbound->uses >= switches->reply_id_uses ? "55713" : NULL;
}

static void
note_latency(SimInbounds *inbounds, uint64_t latency_us)
{
	if (inbounds->latencies == SIM_INBOUND_MAX)
		return;
	if (inbounds->latencies == inbounds->latencies_size)
	{
		inbounds->latencies_size = inbounds->latencies_size ? inbounds->latencies_size * 2 : 1024;
		inbounds->latencies_us =
			sim_resize(inbounds->latencies_us, inbounds->latencies_size * sizeof(uint32_t));
	}
	if (latency_us > UINT32_MAX)
		latency_us = UINT32_MAX;
	inbounds->latencies_us[inbounds->latencies++] = (uint32_t) latency_us;
}

/* An accepted chat message has used this id. */
void
sim_inbound_use(SimInbounds *inbounds, const char *reply_id)
{
	SimInbound *inbound = find(inbounds, reply_id);

	if (inbound == NULL || inbound->uses++ > 0)
		return;
	inbounds->replied++;
	if (inbound->sent_us != 0)
		note_latency(inbounds, sim_clock_us() - inbound->sent_us);
}

static int
compare(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *) left;
	uint32_t b = *(const uint32_t *) right;

	return (a > b) - (a < b);
}

/* Sorts in place: the order of arrival is of no use to anybody. */
uint32_t
sim_inbound_percentile(const SimInbounds *inbounds, double percent)
{
	size_t at;

	if (inbounds->latencies == 0)
		return 0;
	qsort(inbounds->latencies_us, inbounds->latencies, sizeof(uint32_t), compare);
	at = (size_t) ((double) inbounds->latencies * percent / 100);
	return inbounds->latencies_us[at < inbounds->latencies ? at : inbounds->latencies - 1];
}

/* The counters only: a reply id given to a customer stays good. */
void
sim_inbounds_reset(SimInbounds *inbounds)
{
	inbounds->made = 0;
	inbounds->replied = 0;
	inbounds->latencies = 0;
}

void
sim_inbounds_free(SimInbounds *inbounds)
{
	for (size_t i = 0; inbounds->buckets != NULL && i < BUCKETS; i++)
	{
		while (inbounds->buckets[i] != NULL)
		{
			SimInbound *inbound = inbounds->buckets[i];

			inbounds->buckets[i] = inbound->next;
			free(inbound);
		}
	}
	free(inbounds->buckets);
	free(inbounds->latencies_us);
	memset(inbounds, 0, sizeof(*inbounds));
}
