/*
 * ledger.h
 *	  The record of every offer, and the counters that sum it up.
 *
 * Knows what an offer looks like from outside; not how it is judged.
 */
#ifndef KTSIM_LEDGER_H
#define KTSIM_LEDGER_H

#include <stddef.h>
#include <stdint.h>

#include "ids.h"

typedef enum SimDecision
{
	SIM_ACCEPTED,
	SIM_REFUSED,
	SIM_DUPLICATE,
	SIM_THROTTLED,
	SIM_TOKEN,
	SIM_FAULT
} SimDecision;

#define SIM_DECISIONS (SIM_FAULT + 1)

typedef struct SimCounts
{
	uint64_t offers;
	uint64_t by_decision[SIM_DECISIONS];
} SimCounts;

#define SIM_FIELD_MAX 64 /* longest id or number kept in the ledger, in bytes */

typedef struct SimOffer
{
	uint64_t time_us;	 /* since the epoch, at receipt */
	const char *account; /* "-" when unknown, like the next three */
	char msg_id[SIM_FIELD_MAX + 1];
	char phone[SIM_FIELD_MAX + 1];
	char chatbot[SIM_FIELD_MAX + 1];
	SimDecision decision;
	const char *code;	  /* or NULL */
	unsigned status;	  /* or 0 */
	const char *answered; /* "yes", "no", "late" */
	const char *body;
	size_t body_len;
} SimOffer;

typedef struct SimLedger
{
	int ledger_fd; /* or -1 */
	int bodies_fd; /* or -1 */
	uint64_t lines;
} SimLedger;

extern const char *sim_decision_name(SimDecision decision);
extern void sim_field_set(char *field, const char *value);
extern void sim_field_set_bytes(char *field, const char *data, size_t len);
extern void sim_ledger_open(SimLedger *ledger, const char *path, const char *bodies_path,
							SimIds *ids);
extern void sim_ledger_write(SimLedger *ledger, const SimOffer *offer);
extern void sim_ledger_close(SimLedger *ledger);

#endif /* KTSIM_LEDGER_H */
