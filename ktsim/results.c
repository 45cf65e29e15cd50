/*
 * results.c
 *	  The reports of one account that wait to be asked for, and those that were.
 *
 * Knows order and query ids; not what a report says, nor HTTP.
 */
#include "results.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

#define BUCKETS 65536
#define HANDED_MAX 200000

static SimNotice **
bucket_of(const SimResults *results, const char *id)
{
	return &results->buckets[sim_hash(id, strlen(id), 0) % BUCKETS];
}

/* At the end of its bucket, so that two reports of a message keep their order. */
void
sim_results_add(SimResults *results, SimNotice *notice)
{
	SimNotice **end;

	if (results->buckets == NULL)
		results->buckets = sim_alloc(BUCKETS * sizeof(SimNotice *));
	end = bucket_of(results, notice->id);
	while (*end != NULL)
		end = &(*end)->same_bucket;
	*end = notice;
	sim_notices_add(&results->waiting, notice);
}

static void
drop_oldest_handed(SimResults *results)
{
	SimNotice *notice = sim_notices_take(&results->handed);
	SimNotice **link = bucket_of(results, notice->id);

	while (*link != notice)
		link = &(*link)->same_bucket;
	*link = notice->same_bucket;
	sim_notice_free(notice);
}

static void
append(json_t *reports, const SimNotice *notice)
{
	json_array_append_new(reports, json_loadb(notice->text, notice->len, 0, NULL));
}

/* The oldest that wait: they are handed out, and only once. */
json_t *
sim_results_take(SimResults *results, int64_t max, SimPushLedger *ledger, const char *outcome)
{
	json_t *reports = json_array();

	while (results->waiting.first != NULL && (int64_t) json_array_size(reports) < max)
	{
		SimNotice *notice = sim_notices_take(&results->waiting);

		notice->tries++;
		notice->first_us = sim_epoch_us();
		append(reports, notice);
		sim_push_ledger_write(ledger, notice, "200", outcome);
		sim_notices_add(&results->handed, notice);
		if (results->handed.count > HANDED_MAX)
			drop_oldest_handed(results);
	}
	return reports;
}

/* All there is about a message, handed out or not. */
json_t *
sim_results_find(const SimResults *results, const char *msg_id)
{
	json_t *reports = json_array();
	char id[SIM_FIELD_MAX + 1];

	sim_field_set(id, msg_id);
	if (results->buckets == NULL)
		return reports;
	for (const SimNotice *notice = *bucket_of(results, id); notice; notice = notice->same_bucket)
		if (strcmp(notice->id, id) == 0)
			append(reports, notice);
	return reports;
}

/* Remembers the id; false when it was used before. */
bool
sim_results_new_query(SimResults *results, const char *query_id)
{
	SimIdKey key = sim_id_key("", query_id);

	if (sim_ids_known(&results->query_ids, key, 0, 1))
		return false;
	sim_ids_remember(&results->query_ids, key, 0);
	return true;
}

void
sim_results_keep(SimResults *results, const char *query_id, json_t *reports)
{
	SimBatch *batch = &results->batches[results->batch_at++ % SIM_BATCHES_KEPT];

	json_decref(batch->reports);
	batch->reports = json_incref(reports);
	sim_field_set(batch->query_id, query_id);
}

/* What was handed out for this query, or NULL. */
json_t *
sim_results_again(const SimResults *results, const char *query_id)
{
	char id[SIM_FIELD_MAX + 1];

	sim_field_set(id, query_id);
	for (size_t i = 0; i < SIM_BATCHES_KEPT; i++)
		if (results->batches[i].reports != NULL && strcmp(results->batches[i].query_id, id) == 0)
			return json_incref(results->batches[i].reports);
	return NULL;
}

void
sim_results_free(SimResults *results)
{
	SimNotice *notice;

	while ((notice = sim_notices_take(&results->waiting)) != NULL)
		sim_notice_free(notice);
	while ((notice = sim_notices_take(&results->handed)) != NULL)
		sim_notice_free(notice);
	for (size_t i = 0; i < SIM_BATCHES_KEPT; i++)
		json_decref(results->batches[i].reports);
	free(results->buckets);
	sim_ids_free(&results->query_ids);
	memset(results, 0, sizeof(*results));
}
