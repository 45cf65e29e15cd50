/*
 * switches.c
 *	  How the stand-in misbehaves: settings that can change while it runs.
 *
 * One table holds name, kind and bounds of every switch.  Knows nothing of what
 * a switch does.
 */
#define _GNU_SOURCE
#include "switches.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

typedef enum SwitchKind
{
	NUMBER,
	PERCENT,
	FAULT, /* a percentage that takes part in the throw for a message */
	FLAG,
	CODE,
	MAP,	  /* of codes */
	OUTCOMES, /* of codes and words of reports.c */
	URL,
	SECRET
} SwitchKind;

typedef struct SwitchInfo
{
	const char *name;
	SwitchKind kind;
	size_t offset;
	int64_t min;
	int64_t max;
} SwitchInfo;

#define DAY_MS INT64_C(86400000)
#define FILE_DAYS_MAX INT64_C(36500)
#define FILE_BYTES_MAX (INT64_C(2) * 1024 * 1024)
#define SWITCH(name, kind, min, max)                       \
	{                                                      \
#name, kind, offsetof(SimSwitches, name), min, max \
	}

static const SwitchInfo infos[] = {
	SWITCH(latency_ms, NUMBER, 0, DAY_MS),
	SWITCH(latency_jitter_ms, NUMBER, 0, DAY_MS),
	SWITCH(slow_pct, PERCENT, 0, 100),
	SWITCH(slow_ms, NUMBER, 0, DAY_MS),
	SWITCH(status_pct, FAULT, 0, 100),
	SWITCH(status_code, NUMBER, 200, 599),
	SWITCH(accept_then_500_pct, FAULT, 0, 100),
	SWITCH(accept_then_close_pct, FAULT, 0, 100),
	SWITCH(close_pct, FAULT, 0, 100),
	SWITCH(hang_pct, FAULT, 0, 100),
	SWITCH(accept_then_hang_pct, FAULT, 0, 100),
	SWITCH(garbage_pct, FAULT, 0, 100),
	SWITCH(html_pct, FAULT, 0, 100),
	SWITCH(unauthorized_pct, FAULT, 0, 100),
	SWITCH(throttle_pct, FAULT, 0, 100),
	SWITCH(endless_pct, FAULT, 0, 100),
	SWITCH(gzip_bomb_pct, FAULT, 0, 100),
	SWITCH(big_header_pct, FAULT, 0, 100),
	SWITCH(half_close_pct, FAULT, 0, 100),
	SWITCH(stall_pct, FAULT, 0, 100),
	SWITCH(reset_pct, FAULT, 0, 100),
	SWITCH(truncate_pct, FAULT, 0, 100),
	SWITCH(html200_pct, FAULT, 0, 100),
	SWITCH(deep_json_pct, FAULT, 0, 100),
	SWITCH(digits_pct, FAULT, 0, 100),
	SWITCH(duplicate_keys_pct, FAULT, 0, 100),
	SWITCH(retry_after_ms, NUMBER, 0, DAY_MS),
	SWITCH(error_pct, FAULT, 0, 100),
	SWITCH(error_code, CODE, 0, 0),
	SWITCH(token_down, FLAG, 0, 1),
	SWITCH(token_reject, FLAG, 0, 1),
	SWITCH(expire_tokens, FLAG, 0, 1),
	SWITCH(close_keepalive_every, NUMBER, 0, INT64_MAX),
	SWITCH(dup_window_s, NUMBER, 0, INT64_C(10000000000)),
	{"refuse_duplicates_for_s", NUMBER, offsetof(SimSwitches, dup_window_s), 0,
	 INT64_C(10000000000)},
	SWITCH(token_ttl_s, NUMBER, 0, UINT32_MAX),
	SWITCH(token_every, NUMBER, 0, INT64_MAX),
	SWITCH(quota, NUMBER, 0, INT64_MAX),
	SWITCH(lockout_ms, NUMBER, 0, DAY_MS),
	SWITCH(neighbour_pct, PERCENT, 0, 100),
	SWITCH(account_rate, MAP, 0, 0),
	SWITCH(account_code, MAP, 0, 0),
	SWITCH(seed, NUMBER, INT64_MIN, INT64_MAX),
	SWITCH(check_media, FLAG, 0, 1),
	SWITCH(file_days, NUMBER, 0, FILE_DAYS_MAX),
	SWITCH(file_seconds, NUMBER, 0, UINT32_MAX),
	SWITCH(file_max_bytes, NUMBER, 0, FILE_BYTES_MAX),
	SWITCH(file_envelope, NUMBER, 0, 2),
	SWITCH(file_size_text, FLAG, 0, 1),
	SWITCH(file_refuse_reuse, FLAG, 0, 1),
	SWITCH(expire_files, FLAG, 0, 1),
	SWITCH(file_slow_pct, PERCENT, 0, 100),
	SWITCH(file_slow_ms, NUMBER, 0, DAY_MS),
	SWITCH(file_close_pct, PERCENT, 0, 100),
	SWITCH(file_hang_pct, PERCENT, 0, 100),
	SWITCH(file_500_pct, PERCENT, 0, 100),
	SWITCH(file_throttle_pct, PERCENT, 0, 100),
	SWITCH(file_error_pct, PERCENT, 0, 100),
	SWITCH(file_error_code, CODE, 0, 0),
	SWITCH(file_store_500_pct, PERCENT, 0, 100),
	SWITCH(file_store_close_pct, PERCENT, 0, 100),
	SWITCH(file_store_hang_pct, PERCENT, 0, 100),
	SWITCH(file_store_garbage_pct, PERCENT, 0, 100),
	SWITCH(file_fault_count, NUMBER, 0, INT64_MAX),
	SWITCH(report_mode, NUMBER, 0, 2),
	SWITCH(report_account_mode, MAP, 0, 0),
	SWITCH(report_delay_ms, NUMBER, 0, DAY_MS),
	SWITCH(report_jitter_ms, NUMBER, 0, DAY_MS),
	SWITCH(report_never_pct, PERCENT, 0, 100),
	SWITCH(report_fail_pct, PERCENT, 0, 100),
	SWITCH(report_fail_code, CODE, 0, 0),
	SWITCH(report_legacy_fail_pct, PERCENT, 0, 100),
	SWITCH(report_legacy_code, CODE, 0, 0),
	SWITCH(report_phone_suffix, OUTCOMES, 0, 0),
	SWITCH(report_split, FLAG, 0, 1),
	SWITCH(report_minimal, FLAG, 0, 1),
	SWITCH(report_repeat_pct, PERCENT, 0, 100),
	SWITCH(report_repeat_ms, NUMBER, 0, DAY_MS),
	SWITCH(report_late_pct, PERCENT, 0, 100),
	SWITCH(report_late_ms, NUMBER, 0, DAY_MS),
	SWITCH(report_early_pct, PERCENT, 0, 100),
	SWITCH(report_early_ms, NUMBER, 0, DAY_MS),
	SWITCH(report_unknown_pct, PERCENT, 0, 100),
	SWITCH(push_url, URL, 0, 0),
	SWITCH(mo_url, URL, 0, 0),
	SWITCH(push_authorization, SECRET, 0, 0),
	SWITCH(push_batch, NUMBER, 1, 10000),
	SWITCH(push_form, NUMBER, 0, 2),
	SWITCH(push_tries, NUMBER, 1, 1000),
	SWITCH(push_retry_ms, NUMBER, 0, DAY_MS),
	SWITCH(push_retry_factor, NUMBER, 1, 100),
	SWITCH(push_timeout_ms, NUMBER, 1, DAY_MS),
	SWITCH(push_connections, NUMBER, 1, 256),
	SWITCH(push_reuse, FLAG, 0, 1),
	SWITCH(push_hold, FLAG, 0, 1),
	SWITCH(push_wrong_secret_pct, PERCENT, 0, 100),
	SWITCH(push_hostile_pct, PERCENT, 0, 100),
	SWITCH(push_hostile_kind, NUMBER, 0, 9),
	SWITCH(mo_form, NUMBER, 0, 1),
	SWITCH(mo_batch, NUMBER, 1, 10000),
	SWITCH(mo_segment, NUMBER, 0, 4),
	SWITCH(query_batch, NUMBER, 1, 10000),
	SWITCH(query_more_integer, FLAG, 0, 1),
	SWITCH(query_slow_ms, NUMBER, 0, DAY_MS),
	SWITCH(query_max_concurrent, NUMBER, 0, INT64_MAX),
	SWITCH(query_per_s, NUMBER, 0, INT64_MAX),
	SWITCH(query_lose_pct, PERCENT, 0, 100),
	SWITCH(reply_id_check, NUMBER, 0, 2),
	SWITCH(reply_id_ttl_s, NUMBER, 0, UINT32_MAX),
	SWITCH(reply_id_uses, NUMBER, 0, INT64_MAX),
	SWITCH(reply_id_late, FLAG, 0, 1),
	SWITCH(phone_code, MAP, 0, 0),
	SWITCH(refuse_phone_suffix, MAP, 0, 0),
};

#define SWITCH_COUNT (sizeof(infos) / sizeof(infos[0]))

static void
init_reports(SimSwitches *switches)
{
	snprintf(switches->report_fail_code, sizeof(switches->report_fail_code), "54002");
	snprintf(switches->report_legacy_code, sizeof(switches->report_legacy_code), "10");
	switches->report_repeat_ms = 1000;
	switches->report_late_ms = 1000;
	switches->report_early_ms = 200;
	switches->push_batch = 100;
	switches->push_tries = 4;
	switches->push_retry_ms = 1000;
	switches->push_retry_factor = 5;
	switches->push_timeout_ms = 5000;
	switches->push_connections = 8;
	switches->push_reuse = true;
	switches->mo_batch = 1;
	switches->query_batch = 100;
	switches->reply_id_check = 2;
	switches->reply_id_ttl_s = 86400;
	switches->reply_id_uses = 10;
}

void
sim_switches_init(SimSwitches *switches)
{
	memset(switches, 0, sizeof(*switches));
	switches->slow_ms = 5000;
	switches->status_code = 503;
	switches->dup_window_s = 259200;
	switches->token_ttl_s = 6000;
	switches->seed = 1;
	snprintf(switches->error_code, sizeof(switches->error_code), "71001");
	switches->check_media = true;
	switches->file_days = 365;
	switches->file_max_bytes = 1024 * 1024;
	switches->file_slow_ms = 5000;
	snprintf(switches->file_error_code, sizeof(switches->file_error_code), "72113");
	init_reports(switches);
}

/* A number, or true and false for one and zero. */
static bool
set_number(int64_t *field, const SwitchInfo *info, const json_t *value)
{
	int64_t number = json_is_true(value) ? 1 : json_integer_value(value);

	if (!json_is_integer(value) && !json_is_boolean(value))
		return false;
	if (number < info->min || number > info->max)
		return false;
	*field = number;
	return true;
}

static bool
set_percent(double *field, const json_t *value)
{
	double number = json_number_value(value);

	if (!json_is_number(value) || !(number >= 0 && number <= 100))
		return false;
	*field = number;
	return true;
}

static bool
code_ok(const char *code)
{
	size_t len = code ? strlen(code) : 0;

	return len > 0 && len <= SIM_CODE_MAX && code[strspn(code, "0123456789")] == '\0';
}

static bool
set_code(char *field, const json_t *value)
{
	if (json_is_integer(value) && json_integer_value(value) > 0)
	{
		snprintf(field, SIM_CODE_MAX + 1, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return true;
	}
	if (!code_ok(json_string_value(value)))
		return false;
	snprintf(field, SIM_CODE_MAX + 1, "%s", json_string_value(value));
	return true;
}

static bool
outcome_ok(const char *outcome)
{
	static const char *const words[] = {"success", "fail", "fallback", "legacy_fail", "never"};

	for (size_t i = 0; outcome != NULL && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(outcome, words[i]) == 0)
			return true;
	return code_ok(outcome);
}

/* A line of text; a URL is empty or what the HTTP client can do. */
static bool
set_text(char *field, SwitchKind kind, const json_t *value)
{
	const char *text = json_string_value(value);

	if (text == NULL || strlen(text) > SIM_TEXT_MAX || strpbrk(text, "\r\n") != NULL)
		return false;
	if (kind == URL && text[0] != '\0' && strncmp(text, "http://", 7) != 0 &&
		strncmp(text, "https://", 8) != 0)
		return false;
	snprintf(field, SIM_TEXT_MAX + 1, "%s", text);
	return true;
}

/* An object of codes or outcomes; null and {} both empty it. */
static bool
set_map(json_t **field, const json_t *value, bool (*fits)(const char *text))
{
	const char *key;
	json_t *code;

	if (!json_is_object(value) && !json_is_null(value))
		return false;
	json_object_foreach((json_t *) value, key,
						code) if (!fits(json_string_value(code))) return false;
	json_decref(*field);
	*field = json_object_size(value) > 0 ? json_deep_copy(value) : NULL;
	return true;
}

static bool
set_one(SimSwitches *switches, const SwitchInfo *info, const json_t *value)
{
	void *field = (char *) switches + info->offset;
	int64_t number = 0;

	switch (info->kind)
	{
		case NUMBER:
			return set_number(field, info, value);
		case PERCENT:
		case FAULT:
			return set_percent(field, value);
		case FLAG:
			if (!set_number(&number, info, value))
				return false;
			*(bool *) field = number != 0;
			return true;
		case CODE:
			return set_code(field, value);
		case MAP:
			return set_map(field, value, code_ok);
		case OUTCOMES:
			return set_map(field, value, outcome_ok);
		case URL:
		case SECRET:
			return set_text(field, info->kind, value);
	}
	return false;
}

static const SwitchInfo *
find_switch(const char *name)
{
	for (size_t i = 0; i < SWITCH_COUNT; i++)
		if (strcmp(infos[i].name, name) == 0)
			return &infos[i];
	return NULL;
}

static bool
is_map(const SwitchInfo *info)
{
	return info->kind == MAP || info->kind == OUTCOMES;
}

static json_t **
map_of(SimSwitches *switches, const SwitchInfo *info)
{
	return (json_t **) ((char *) switches + info->offset);
}

static void
copy_switches(SimSwitches *to, const SimSwitches *from)
{
	*to = *from;
	for (size_t i = 0; i < SWITCH_COUNT; i++)
		if (is_map(&infos[i]))
			json_incref(*map_of(to, &infos[i]));
}

static void
add_up_faults(SimSwitches *switches)
{
	switches->fault_sum = 0;
	for (size_t i = 0; i < SWITCH_COUNT; i++)
		if (infos[i].kind == FAULT)
			switches->fault_sum += *(const double *) ((const char *) switches + infos[i].offset);
}

/* All of the changes, or none and the reason why. */
bool
sim_switches_set(SimSwitches *switches, const json_t *changes, char *problem, size_t problem_size)
{
	SimSwitches next;
	const char *name;
	json_t *value;

	if (!json_is_object(changes))
	{
		snprintf(problem, problem_size, "a JSON object of switches is expected");
		return false;
	}
	copy_switches(&next, switches);
	json_object_foreach((json_t *) changes, name, value)
	{
		const SwitchInfo *info = find_switch(name);

		if (info != NULL && set_one(&next, info, value))
			continue;
		snprintf(problem, problem_size,
				 info ? "bad value for switch \"%.40s\"" : "unknown switch \"%.40s\"", name);
		sim_switches_free(&next);
		return false;
	}
	add_up_faults(&next);
	sim_switches_free(switches);
	*switches = next;
	return true;
}

/* NAME=VALUE as on the command line; the value is JSON or a bare word. */
bool
sim_switches_set_text(SimSwitches *switches, const char *assignment, char *problem,
					  size_t problem_size)
{
	const char *equals = strchr(assignment, '=');
	json_t *changes;
	json_t *value;
	char *name;
	bool done;

	if (equals == NULL)
	{
		snprintf(problem, problem_size, "a switch is set by NAME=VALUE");
		return false;
	}
	value = json_loads(equals + 1, JSON_DECODE_ANY, NULL);
	if (value == NULL)
		value = json_string(equals + 1);
	name = strndup(assignment, (size_t) (equals - assignment));
	if (name == NULL)
		sim_fatal("out of memory");
	changes = json_object();
	json_object_set_new(changes, name, value);
	done = sim_switches_set(switches, changes, problem, problem_size);
	json_decref(changes);
	free(name);
	return done;
}

static json_t *
switch_json(const SimSwitches *switches, const SwitchInfo *info)
{
	const void *field = (const char *) switches + info->offset;

	switch (info->kind)
	{
		case NUMBER:
			return json_integer(*(const int64_t *) field);
		case PERCENT:
		case FAULT:
			return json_real(*(const double *) field);
		case FLAG:
			return json_boolean(*(const bool *) field);
		case CODE:
			return json_string(field);
		case URL:
			return json_string(field);
		case SECRET:
			return json_string(*(const char *) field ? "***" : "");
		case MAP:
		case OUTCOMES:
			break;
	}
	return *(json_t *const *) field ? json_deep_copy(*(json_t *const *) field) : json_object();
}

json_t *
sim_switches_json(const SimSwitches *switches)
{
	json_t *object = json_object();

	for (size_t i = 0; i < SWITCH_COUNT; i++)
		json_object_set_new(object, infos[i].name, switch_json(switches, &infos[i]));
	return object;
}

void
sim_switches_free(SimSwitches *switches)
{
	for (size_t i = 0; i < SWITCH_COUNT; i++)
	{
		if (!is_map(&infos[i]))
			continue;
		json_decref(*map_of(switches, &infos[i]));
		*map_of(switches, &infos[i]) = NULL;
	}
}
