/*
 * reports.c
 *	  What becomes of an accepted message, and when the customer may know.
 *
 * A report is written when the message is accepted and lies in the list of
 * delays until it is due.  Knows the forms of a report and the switches; not
 * how it is delivered.
 */
#define _GNU_SOURCE
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#define US_PER_MS UINT64_C(1000)

typedef enum Outcome
{
	DELIVERED,
	FAILED,
	FELL_BACK,
	BOTH_FAILED,
	NEVER
} Outcome;

/* What a report needs to know of its message. */
typedef struct Message
{
	SimAccount *account;
	const char *id;
	const char *phone;
	const char *chatbot;
	const char *service_type;
	const char *legacy_type; /* NULL: there is no fallback */
	Outcome outcome;
	const char *code; /* of the failure */
	uint64_t accepted_us;
} Message;

static const char *
text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

int64_t
sim_report_mode(const Sim *sim, const SimAccount *account)
{
	const json_t *mode = json_object_get(sim->switches.report_account_mode, account->id);

	return mode ? strtoll(json_string_value(mode), NULL, 10) : sim->switches.report_mode;
}

/* An outcome named by a switch, or NULL. */
static const char *
outcome_for_phone(const SimSwitches *switches, const char *phone)
{
	const char *suffix;
	json_t *value;

	json_object_foreach(switches->report_phone_suffix, suffix, value)
	{
		size_t len = strlen(suffix);

		if (len <= strlen(phone) && strcmp(phone + strlen(phone) - len, suffix) == 0)
			return json_string_value(value);
	}
	return NULL;
}

/* The failure of the RCS message, and what the fallback makes of it. */
static void
fail(Message *message, const char *code, bool legacy_fails)
{
	message->code = code;
	if (message->legacy_type == NULL)
		message->outcome = FAILED;
	else
		message->outcome = legacy_fails ? BOTH_FAILED : FELL_BACK;
}

/* Always three throws, so that what a seed gives does not depend on switches. */
static void
choose(Sim *sim, Message *message, const char *named)
{
	const SimSwitches *switches = &sim->switches;
	bool never = sim_random_below(&sim->reports.random, 100) < switches->report_never_pct;
	bool fails = sim_random_below(&sim->reports.random, 100) < switches->report_fail_pct;
	bool legacy = sim_random_below(&sim->reports.random, 100) < switches->report_legacy_fail_pct;

	message->outcome = DELIVERED;
	if (named == NULL)
		named = never ? "never" : fails ? "fail" : "success";
	if (strcmp(named, "never") == 0)
		message->outcome = NEVER;
	else if (strcmp(named, "fail") == 0)
		fail(message, switches->report_fail_code, legacy);
	else if (strcmp(named, "fallback") == 0)
		fail(message, switches->report_fail_code, false);
	else if (strcmp(named, "legacy_fail") == 0)
		fail(message, switches->report_fail_code, true);
	else if (strcmp(named, "success") != 0)
		fail(message, named, legacy);
}

static const char *
carrier_of(const char *phone)
{
	static const char *const carriers[] = {"KT", "SKT", "LGU"};

	return carriers[sim_hash(phone, strlen(phone), 0) % 3];
}

static void
set_error(json_t *info, const char *name, const char *code)
{
	json_object_set_new(info, name,
						json_pack("{s:s, s:s}", "code", code, "message", sim_code_text(code)));
}

static json_t *
report_info(const Sim *sim, const Message *message, Outcome outcome, const char *id,
			uint64_t due_us)
{
	bool success = outcome == DELIVERED || outcome == FELL_BACK;
	bool rcs = outcome == DELIVERED || outcome == FAILED;
	char sent[SIM_TIME_MAX];
	char done[SIM_TIME_MAX];
	json_t *info;

	sim_carrier_time(message->accepted_us, sent, sizeof(sent));
	sim_carrier_time(due_us, done, sizeof(done));
	info = json_pack("{s:s, s:s, s:s}", "msgId", id, "status", success ? "success" : "fail",
					 "timestamp", done);
	if (!sim->switches.report_minimal)
	{
		json_t *more = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i}", "rcsId",
								 message->account->id, "userContact", message->phone, "serviceType",
								 rcs ? message->service_type : message->legacy_type, "mnoInfo",
								 carrier_of(message->phone), "sentTime", sent, "chatbotId",
								 message->chatbot, "bill", success ? 1 : 0);

		json_object_update(info, more);
		json_decref(more);
	}
	return info;
}

/* One part of the outcome becomes a report that is due after so long. */
static void
add(Sim *sim, const Message *message, Outcome outcome, const char *what, uint64_t delay_us)
{
	const char *says[] = {"success", message->code, "fallback", "legacy_fail"};
	bool split = sim->switches.report_split;
	bool unknown = strcmp(what, "unknown") == 0;
	char other[SIM_UUID_MAX];
	const char *id = unknown ? sim_uuid(other) : message->id;
	json_t *info = report_info(sim, message, outcome, id, message->accepted_us + delay_us);
	SimNotice *notice;
	char *text;

	if (outcome == FAILED || (!split && (outcome == FELL_BACK || outcome == BOTH_FAILED)))
		set_error(info, "error", message->code);
	if (outcome == BOTH_FAILED)
		set_error(info, "legacyError", sim->switches.report_legacy_code);
	text = json_dumps(info, JSON_COMPACT);
	json_decref(info);
	if (text == NULL)
		sim_fatal("out of memory");
	notice = sim_notice_new(what, id, says[outcome], text, strlen(text));
	notice->account = message->account->id;
	if (sim_report_mode(sim, message->account) == SIM_MODE_QUERY)
		notice->results = &message->account->results;
	sim_delays_add(&sim->reports.due, sim_clock_us() + delay_us, notice);
	sim->reports.made++;
}

/* All reports of a message: one as a rule, two for a fallback told in two parts. */
static void
add_all(Sim *sim, const Message *message, const char *what, uint64_t delay_us)
{
	bool two = message->outcome == FELL_BACK || message->outcome == BOTH_FAILED;

	if (two && sim->switches.report_split)
		add(sim, message, FAILED, what, delay_us);
	add(sim, message, message->outcome, what, delay_us);
}

/* Always five throws, see choose(). */
static uint64_t
spread(Sim *sim, const Message *message)
{
	const SimSwitches *switches = &sim->switches;
	SimRandom *random = &sim->reports.random;
	uint64_t jitter_us =
		(uint64_t) (sim_random_below(random, (double) switches->report_jitter_ms) * US_PER_MS);
	uint64_t delay_us = (uint64_t) switches->report_delay_ms * US_PER_MS + jitter_us;
	bool late = sim_random_below(random, 100) < switches->report_late_pct;
	bool early = sim_random_below(random, 100) < switches->report_early_pct;
	bool repeat = sim_random_below(random, 100) < switches->report_repeat_pct;
	bool unknown = sim_random_below(random, 100) < switches->report_unknown_pct;

	if (late)
		delay_us += (uint64_t) switches->report_late_ms * US_PER_MS;
	if (early)
		delay_us = 0;
	add_all(sim, message, "report", delay_us);
	if (repeat)
		add_all(sim, message, "repeat",
				delay_us + (uint64_t) switches->report_repeat_ms * US_PER_MS);
	if (unknown)
		add(sim, message, DELIVERED, "unknown", delay_us);
	return early ? (uint64_t) switches->report_early_ms * US_PER_MS : 0;
}

/*
 * Call once a message is accepted.  Says how long its answer has to wait, so
 * that the report overtakes it.
 */
uint64_t
sim_report_make(Sim *sim, SimAccount *account, const json_t *root, const char *forced)
{
	const json_t *common = json_object_get(root, "common");
	const json_t *rcs = json_object_get(root, "rcs");
	Message message = {.account = account,
					   .id = text_of(common, "msgId"),
					   .phone = text_of(common, "userContact"),
					   .chatbot = text_of(rcs, "chatbotId"),
					   .service_type = text_of(rcs, "serviceType"),
					   .accepted_us = sim_epoch_us()};

	if (sim_report_mode(sim, account) == SIM_MODE_NONE)
		return 0;
	if (strcmp(text_of(common, "msgServiceType"), "rcs") != 0)
		message.legacy_type = text_of(json_object_get(root, "legacy"), "serviceType");
	if (forced == NULL)
		forced = outcome_for_phone(&sim->switches, message.phone);
	choose(sim, &message, forced);
	if (message.outcome != NEVER)
		return spread(sim, &message);
	sim->reports.never++;
	return 0;
}

void
sim_reports_run(Sim *sim)
{
	uint64_t now_us = sim_clock_us();
	SimNotice *notice;

	while ((notice = sim_delays_take(&sim->reports.due, now_us)) != NULL)
	{
		if (notice->results != NULL)
			sim_results_add(notice->results, notice);
		else
			sim_push_add(&sim->push, SIM_LANE_REPORTS, notice);
	}
}

void
sim_reports_free(SimReports *reports)
{
	SimNotice *notice;

	while ((notice = sim_delays_take(&reports->due, UINT64_MAX)) != NULL)
		sim_notice_free(notice);
	free(reports->due.heap);
	free(reports->ready_answer);
}
