/*
 * inbound.h
 *	  Messages of users to a chat room, and the replies to them.
 *
 * Knows reply ids and the rules of a session; not how a message is pushed.
 */
#ifndef KTSIM_INBOUND_H
#define KTSIM_INBOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ledger.h"
#include "switches.h"

#define SIM_INBOUND_MAX 1000000

typedef struct SimInbound
{
	char reply_id[SIM_FIELD_MAX + 1];
	char phone[SIM_FIELD_MAX + 1];
	char chatbot[SIM_FIELD_MAX + 1];
	uint64_t made_us; /* sim_clock_us() scale, like the next */
	uint64_t sent_us; /* of the first try to push it, or 0 */
	int64_t uses;
	struct SimInbound *next;
} SimInbound;

typedef struct SimInbounds
{
	SimInbound **buckets;
	size_t count;
	uint64_t made; /* since the counters were reset, like the next */
	uint64_t replied;
	uint32_t *latencies_us; /* from the push to the first reply */
	size_t latencies;
	size_t latencies_size;
} SimInbounds;

/* One offer of a chat message. */
typedef struct SimReplyOffer
{
	const char *reply_id;
	const char *phone;
	const char *chatbot;
} SimReplyOffer;

extern SimInbound *sim_inbound_add(SimInbounds *inbounds, const char *reply_id, const char *phone,
								   const char *chatbot);
extern const char *sim_inbound_check(const SimInbounds *inbounds, const SimSwitches *switches,
									 const SimReplyOffer *offer);
extern void sim_inbound_use(SimInbounds *inbounds, const char *reply_id);
extern uint32_t sim_inbound_percentile(const SimInbounds *inbounds, double percent);
extern void sim_inbounds_reset(SimInbounds *inbounds);
extern void sim_inbounds_free(SimInbounds *inbounds);

#endif /* KTSIM_INBOUND_H */
