/*
 * control.c
 *	  The endpoints of the stand-in itself, under /_ktsim: switches and counters.
 *
 * A real carrier has nothing of the kind.  Knows nothing of messages.
 */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static SimReply
fine(void)
{
	return sim_answer_json(200, json_pack("{s:s}", "status", "ok"));
}

/* The problem may end within a character, which JSON cannot hold. */
static SimReply
unfit(const char *problem)
{
	json_t *text = json_string(problem);

	if (text == NULL)
		text = json_string("unknown switch");
	return sim_answer_json(400, json_pack("{s:o}", "error", text));
}

static SimReply
health(Sim *sim, const SimCall *call)
{
	(void) sim;
	(void) call;
	return fine();
}

static void
add_counts(json_t *object, const SimCounts *counts)
{
	json_object_set_new(object, "offers", json_integer((json_int_t) counts->offers));
	for (int i = 0; i < SIM_DECISIONS; i++)
		json_object_set_new(object, sim_decision_name((SimDecision) i),
							json_integer((json_int_t) counts->by_decision[i]));
}

static void
add_file_counts(json_t *object, const SimFileCounts *counts)
{
	char name[32];

	json_object_set_new(object, "file_offers", json_integer((json_int_t) counts->offers));
	for (int i = 0; i < SIM_FILE_DECISIONS; i++)
	{
		snprintf(name, sizeof(name), "files_%s", sim_file_decision_name((SimFileDecision) i));
		json_object_set_new(object, name, json_integer((json_int_t) counts->by_decision[i]));
	}
}

static void
add_number(json_t *object, const char *name, uint64_t number)
{
	json_object_set_new(object, name, json_integer((json_int_t) number));
}

static void
add_lane(json_t *object, const char *name, const SimLane *lane)
{
	char member[40];

	snprintf(member, sizeof(member), "%s_taken", name);
	add_number(object, member, lane->taken);
	snprintf(member, sizeof(member), "%s_given_up", name);
	add_number(object, member, lane->given_up);
	snprintf(member, sizeof(member), "%s_dropped", name);
	add_number(object, member, lane->dropped);
	snprintf(member, sizeof(member), "%s_queued", name);
	add_number(object, member, lane->waiting.count);
}

/* Of reports, pushes, queries and inbound messages. */
static void
add_notices(json_t *object, const Sim *sim)
{
	const SimReports *reports = &sim->reports;
	const SimInbounds *inbound = &sim->inbound;

	add_number(object, "reports_made", reports->made);
	add_number(object, "reports_never", reports->never);
	add_number(object, "reports_not_due", reports->due.count);
	add_number(object, "reports_handed", reports->handed);
	add_number(object, "reports_lost", reports->lost);
	add_number(object, "queries", reports->queries);
	add_lane(object, "reports", &sim->push.lanes[SIM_LANE_REPORTS]);
	add_lane(object, "inbound", &sim->push.lanes[SIM_LANE_INBOUND]);
	add_number(object, "pushes", sim->push.tries);
	add_number(object, "push_failures", sim->push.failures);
	add_number(object, "push_connects", sim->push.connections);
	add_number(object, "inbound_made", inbound->made);
	add_number(object, "inbound_replied", inbound->replied);
	add_number(object, "reply_p50_us", sim_inbound_percentile(inbound, 50));
	add_number(object, "reply_p99_us", sim_inbound_percentile(inbound, 99));
	add_number(object, "reply_max_us", sim_inbound_percentile(inbound, 100));
}

static void
reset_notices(Sim *sim)
{
	SimReports *reports = &sim->reports;
	SimPush *push = &sim->push;

	reports->made = reports->never = reports->handed = reports->lost = reports->queries = 0;
	push->tries = push->failures = push->connections = 0;
	for (int i = 0; i < SIM_LANES; i++)
		push->lanes[i].taken = push->lanes[i].given_up = push->lanes[i].dropped = 0;
	sim_inbounds_reset(&sim->inbound);
}

static SimReply
stats(Sim *sim, const SimCall *call)
{
	const SimStats *stats = &sim->stats;
	json_t *object = json_object();
	json_t *accounts = json_object();

	(void) call;
	add_counts(object, &stats->counts);
	add_file_counts(object, &stats->file_counts);
	add_notices(object, sim);
	json_object_set_new(object, "tokens_issued", json_integer((json_int_t) stats->tokens_issued));
	json_object_set_new(object, "connections_open", json_integer(stats->connections_open));
	json_object_set_new(object, "connections_max", json_integer(stats->connections_max));
	json_object_set_new(object, "active", json_integer(stats->active));
	json_object_set_new(object, "active_max", json_integer(stats->active_max));
	for (const SimAccount *account = sim->accounts.first; account != NULL; account = account->next)
	{
		json_t *counts = json_object();

		add_counts(counts, &account->counts);
		add_file_counts(counts, &account->file_counts);
		json_object_set_new(accounts, account->id, counts);
	}
	json_object_set_new(object, "accounts", accounts);
	return sim_answer_json(200, object);
}

/* Counters start again; what is open or remembered stays. */
static SimReply
reset_stats(Sim *sim, const SimCall *call)
{
	(void) call;
	memset(&sim->stats.counts, 0, sizeof(SimCounts));
	memset(&sim->stats.file_counts, 0, sizeof(SimFileCounts));
	sim->stats.tokens_issued = 0;
	reset_notices(sim);
	sim->stats.connections_max = sim->stats.connections_open;
	sim->stats.active_max = sim->stats.active;
	for (SimAccount *account = sim->accounts.first; account != NULL; account = account->next)
	{
		memset(&account->counts, 0, sizeof(SimCounts));
		memset(&account->file_counts, 0, sizeof(SimFileCounts));
	}
	return fine();
}

static SimReply
switches(Sim *sim, const SimCall *call)
{
	(void) call;
	return sim_answer_json(200, sim_switches_json(&sim->switches));
}

/* Contracts that were changed. */
static void
set_rates(Sim *sim, const json_t *rates)
{
	const char *id;
	json_t *rate;

	json_object_foreach((json_t *) rates, id, rate)
	{
		SimAccount *account = sim_account_find(&sim->accounts, id);

		if (account != NULL)
			sim_account_limit(account, strtoull(json_string_value(rate), NULL, 10));
	}
}

static SimReply
set(Sim *sim, const SimCall *call)
{
	json_t *changes = json_loadb(call->body, call->body_len, 0, NULL);
	char problem[128];
	bool done = sim_switches_set(&sim->switches, changes, problem, sizeof(problem));

	if (done && json_object_get(changes, "seed") != NULL)
		sim_seed(sim);
	if (done && json_object_get(changes, "file_fault_count") != NULL)
		sim->file_faults = 0;
	if (done && json_object_get(changes, "quota") != NULL)
		for (SimAccount *account = sim->accounts.first; account != NULL; account = account->next)
			account->quota_used = 0;
	if (done)
		set_rates(sim, json_object_get(changes, "account_rate"));
	if (sim->switches.expire_tokens)
	{
		sim_tokens_expire(&sim->accounts);
		sim->switches.expire_tokens = false;
	}
	if (sim->switches.expire_files)
	{
		sim_files_expire(&sim->files);
		sim->switches.expire_files = false;
	}
	json_decref(changes);
	return done ? fine() : unfit(problem);
}

static bool
all_strings(const json_t *array)
{
	for (size_t i = 0; i < json_array_size(array); i++)
		if (!json_is_string(json_array_get(array, i)))
			return false;
	return json_is_array(array);
}

/* These ids count as accepted just now, though the ledger knows nothing of it. */
static SimReply
preload(Sim *sim, const SimCall *call)
{
	json_t *root = call->body_cut ? NULL : json_loadb(call->body, call->body_len, 0, NULL);
	const char *name = json_string_value(json_object_get(root, "account"));
	const SimAccount *account = name ? sim_account_find(&sim->accounts, name) : NULL;
	const json_t *ids = json_object_get(root, "ids");
	bool fit = account != NULL && all_strings(ids);

	for (size_t i = 0; fit && i < json_array_size(ids); i++)
		sim_ids_remember(&sim->ids,
						 sim_id_key(account->id, json_string_value(json_array_get(ids, i))),
						 sim_epoch_us() / UINT64_C(1000000));
	json_decref(root);
	return fit ? fine() : unfit("a known \"account\" and an array \"ids\" of strings are expected");
}

static SimReply
forget(Sim *sim, const SimCall *call)
{
	(void) call;
	sim_ids_free(&sim->ids);
	return fine();
}

static SimReply
forget_files(Sim *sim, const SimCall *call)
{
	(void) call;
	sim_files_free(&sim->files);
	return fine();
}

static int
hex_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? -1 : (int) (at - digits);
}

/* The next answer to somebody who asks for the reports of an account: these bytes, whatever they are. */
static SimReply
query_answer(Sim *sim, const SimCall *call)
{
	json_t *root = call->body_cut ? NULL : json_loadb(call->body, call->body_len, 0, NULL);
	const char *hex = json_string_value(json_object_get(root, "hex"));
	size_t len = hex == NULL ? 0 : strlen(hex) / 2;
	char *bytes = sim_alloc(len + 1);
	bool fit = len > 0 && strlen(hex) % 2 == 0;

	for (size_t i = 0; fit && i < len; i++)
	{
		int high = hex_digit(hex[2 * i]);
		int low = hex_digit(hex[2 * i + 1]);

		fit = high >= 0 && low >= 0;
		bytes[i] = (char) (high * 16 + low);
	}
	json_decref(root);
	if (!fit)
	{
		free(bytes);
		return unfit("\"hex\" is expected, two lower case digits for a byte");
	}
	free(sim->reports.ready_answer);
	sim->reports.ready_answer = bytes;
	sim->reports.ready_len = len;
	return fine();
}

/* The same seed and the same order of requests give the same faults. */
void
sim_seed(Sim *sim)
{
	sim->random.state = (uint64_t) sim->switches.seed;
	sim->file_random.state = (uint64_t) sim->switches.seed;
	sim->reports.random.state = (uint64_t) sim->switches.seed;
	sim->push.random.state = (uint64_t) sim->switches.seed;
}

/* False when there is no such endpoint. */
bool
sim_control(Sim *sim, const char *method, const char *path, const SimCall *call, SimReply *reply)
{
	static const struct
	{
		const char *method;
		const char *path;
		SimReply (*handle)(Sim *sim, const SimCall *call);
	} endpoints[] = {
		{"GET", "/_ktsim/health", health},
		{"GET", "/_ktsim/stats", stats},
		{"POST", "/_ktsim/reset-stats", reset_stats},
		{"GET", "/_ktsim/switches", switches},
		{"POST", "/_ktsim/set", set},
		{"POST", "/_ktsim/preload", preload},
		{"POST", "/_ktsim/forget", forget},
		{"POST", "/_ktsim/forget-files", forget_files},
		{"POST", "/_ktsim/mo", sim_mo},
		{"POST", "/_ktsim/push", sim_push_order},
		{"POST", "/_ktsim/query-answer", query_answer},
	};

	for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++)
	{
		if (strcmp(method, endpoints[i].method) != 0 || strcmp(path, endpoints[i].path) != 0)
			continue;
		*reply = endpoints[i].handle(sim, call);
		return true;
	}
	return false;
}
