/*
 * notices.h
 *	  What the carrier tells its customers of its own accord, and the record of it.
 *
 * Knows the text of a notice and how it ended; not how it is delivered.
 */
#ifndef KTSIM_NOTICES_H
#define KTSIM_NOTICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ledger.h"

#define SIM_SAYS_MAX 24

struct SimResults;

typedef struct SimNotice
{
	const char *what;	 /* "report", "repeat", "unknown", "inbound", "raw" or "hostile" */
	const char *account; /* "-" when it is nobody's */
	char id[SIM_FIELD_MAX + 1];
	char says[SIM_SAYS_MAX + 1];
	char *text;
	size_t len;
	bool whole;			 /* a body as it is: nothing around it, no second try */
	const char *segment; /* what follows the URL */
	uint64_t *sent_us;	 /* where the time of the first try is noted, or NULL */
	uint64_t first_us;	 /* of the first try, since the epoch */
	unsigned tries;
	struct SimResults *results; /* where it waits to be asked for; NULL: it is pushed */
	struct SimNotice *next;
	struct SimNotice *same_bucket;
} SimNotice;

typedef struct SimNotices
{
	SimNotice *first;
	SimNotice *last;
	size_t count;
} SimNotices;

typedef struct SimPushLedger
{
	int fd; /* or -1 */
} SimPushLedger;

extern SimNotice *sim_notice_new(const char *what, const char *id, const char *says, char *text,
								 size_t len);
extern void sim_notice_free(SimNotice *notice);
extern void sim_notices_add(SimNotices *notices, SimNotice *notice);
extern SimNotice *sim_notices_take(SimNotices *notices);
extern void sim_push_ledger_open(SimPushLedger *ledger, const char *path);
extern void sim_push_ledger_write(SimPushLedger *ledger, const SimNotice *notice,
								  const char *status, const char *outcome);
extern void sim_push_ledger_close(SimPushLedger *ledger);

#endif /* KTSIM_NOTICES_H */
