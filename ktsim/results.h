/*
 * results.h
 *	  The reports of one account that wait to be asked for, and those that were.
 *
 * Knows order and query ids; not what a report says, nor HTTP.
 */
#ifndef KTSIM_RESULTS_H
#define KTSIM_RESULTS_H

#include <jansson.h>

#include "ids.h"
#include "notices.h"

#define SIM_BATCHES_KEPT 64

typedef struct SimBatch
{
	char query_id[SIM_FIELD_MAX + 1];
	json_t *reports;
} SimBatch;

typedef struct SimResults
{
	SimNotices waiting;
	SimNotices handed; /* still found by the id of the message */
	SimNotice **buckets;
	SimIds query_ids;
	SimBatch batches[SIM_BATCHES_KEPT]; /* the latest, to hand out once more */
	size_t batch_at;
	uint64_t second; /* the queries of this second, for the limit */
	int64_t in_second;
} SimResults;

extern void sim_results_add(SimResults *results, SimNotice *notice);
extern json_t *sim_results_take(SimResults *results, int64_t max, SimPushLedger *ledger,
								const char *outcome);
extern json_t *sim_results_find(const SimResults *results, const char *msg_id);
extern bool sim_results_new_query(SimResults *results, const char *query_id);
extern void sim_results_keep(SimResults *results, const char *query_id, json_t *reports);
extern json_t *sim_results_again(const SimResults *results, const char *query_id);
extern void sim_results_free(SimResults *results);

#endif /* KTSIM_RESULTS_H */
