/*
 * query.c
 *	  The endpoint where a customer asks for reports.
 *
 * A batch counts as handed out when it is given, whether or not the answer
 * arrives.  Knows nothing of sockets: it says what to reply, the server does it.
 */
#define _GNU_SOURCE
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#define QUERY_ID_MAX 40
#define US_PER_MS UINT64_C(1000)
#define US_PER_S UINT64_C(1000000)

typedef struct Query
{
	const char *type;
	const char *msg_id;
	const char *query_id; /* or NULL */
	bool retry;
} Query;

/* Queries in any second of the clock; 0: no limit. */
static bool
within_limit(SimResults *results, int64_t limit)
{
	uint64_t second = sim_clock_us() / US_PER_S;

	if (results->second != second)
	{
		results->second = second;
		results->in_second = 0;
	}
	return limit == 0 || results->in_second++ < limit;
}

static const char *
check_account(Sim *sim, SimAccount *account)
{
	const SimSwitches *switches = &sim->switches;

	if (switches->query_max_concurrent > 0 &&
		(int64_t) sim->reports.queries_active > switches->query_max_concurrent)
		return "79002";
	if (!within_limit(&account->results, switches->query_per_s))
		return "79005";
	return sim_report_mode(sim, account) == SIM_MODE_QUERY ? NULL : "79010";
}

static const char *
read_query(Query *query, const SimAccount *account, const json_t *root)
{
	const char *rcs_id = json_string_value(json_object_get(root, "rcsId"));
	const char *retry = json_string_value(json_object_get(root, "retryYn"));
	bool by_account;

	if (root == NULL)
		return "71005";
	query->type = json_string_value(json_object_get(root, "queryType"));
	query->msg_id = json_string_value(json_object_get(root, "msgId"));
	query->query_id = json_string_value(json_object_get(root, "queryId"));
	query->retry = retry != NULL && strcmp(retry, "Y") == 0;
	if (query->type == NULL)
		return "71008";
	by_account = strcmp(query->type, "rcsId") == 0;
	if (!by_account && strcmp(query->type, "msgId") != 0)
		return "79004";
	if (by_account ? rcs_id == NULL || query->query_id == NULL : query->msg_id == NULL)
		return "71008";
	if (rcs_id != NULL && strcmp(rcs_id, account->id) != 0)
		return "79003";
	if (query->query_id != NULL &&
		(query->query_id[0] == '\0' || sim_code_points(query->query_id) > QUERY_ID_MAX))
		return "79004";
	return retry == NULL || query->retry || strcmp(retry, "N") == 0 ? NULL : "79004";
}

static SimReply
answer(const Sim *sim, const Query *query, json_t *reports, bool more)
{
	json_t *flag =
		sim->switches.query_more_integer ? json_integer(more) : json_string(more ? "1" : "0");

	return sim_answer_json(200,
						   json_pack("{s:o, s:s, s:o}", "statusInfo", reports, "queryId",
									 query->query_id ? query->query_id : "", "moreToSend", flag));
}

/* What was ordered as the next answer; it is given once. */
static SimReply
answer_ready(SimReports *reports)
{
	SimReply reply = sim_answer_bytes(200, reports->ready_answer, reports->ready_len);

	free(reports->ready_answer);
	reports->ready_answer = NULL;
	return reply;
}

/* The next batch of the account, or the one of an earlier query once more. */
static SimReply
answer_account(Sim *sim, SimAccount *account, const Query *query)
{
	SimResults *results = &account->results;
	bool lose = sim_random_below(&sim->reports.random, 100) < sim->switches.query_lose_pct;
	json_t *reports;
	SimReply reply;

	if (query->retry)
	{
		reports = sim_results_again(results, query->query_id);
		if (reports == NULL)
			return sim_answer_code("79011");
		return answer(sim, query, reports, results->waiting.first != NULL);
	}
	if (!sim_results_new_query(results, query->query_id))
		return sim_answer_code("79007");
	if (sim->reports.ready_answer != NULL)
		return answer_ready(&sim->reports);
	reports = sim_results_take(results, sim->switches.query_batch, &sim->push.ledger,
							   lose ? "lost" : "handed");
	sim_results_keep(results, query->query_id, reports);
	if (lose)
	{
		sim->reports.lost += json_array_size(reports);
		json_decref(reports);
		return (SimReply){.action = SIM_CUT};
	}
	sim->reports.handed += json_array_size(reports);
	reply = answer(sim, query, reports, results->waiting.first != NULL);
	return reply;
}

static SimReply
judge(Sim *sim, SimAccount *account, const SimCall *call)
{
	const char *code = check_account(sim, account);
	json_t *root = code || call->body_cut ? NULL : json_loadb(call->body, call->body_len, 0, NULL);
	Query query = {0};
	SimReply reply;

	if (code == NULL)
		code = read_query(&query, account, root);
	if (code != NULL)
		reply = sim_answer_code(code);
	else if (strcmp(query.type, "rcsId") == 0)
		reply = answer_account(sim, account, &query);
	else if (query.query_id != NULL && !query.retry &&
			 !sim_results_new_query(&account->results, query.query_id))
		reply = sim_answer_code("79007");
	else
		reply = answer(sim, &query, sim_results_find(&account->results, query.msg_id), false);
	json_decref(root);
	return reply;
}

SimReply
sim_query(Sim *sim, const SimCall *call)
{
	SimAccount *account;
	const char *token_code = sim_token_use(&sim->accounts, call->authorization, sim_clock_us(),
										   (uint64_t) sim->switches.token_every, &account);
	SimReply reply;

	sim->reports.queries++;
	sim->reports.queries_active++;
	reply = token_code ? sim_answer_code(token_code) : judge(sim, account, call);
	reply.query = true;
	reply.delay_us = (uint64_t) sim->switches.query_slow_ms * US_PER_MS;
	return reply;
}
