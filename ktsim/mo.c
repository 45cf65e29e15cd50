/*
 * mo.c
 *	  Orders to push: messages of users, and bodies of the caller's own making.
 *
 * Endpoints of the stand-in itself, like those of control.c.  Knows the form of
 * an inbound message; not how it is pushed.
 */
#define _GNU_SOURCE
#include "sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_MAX 100000
#define TIMES_MAX 100
#define PHONE_MAX 20

static const char *const segments[] = {"", "/KT", "/SKT", "/LGU"};

static SimReply
unfit(unsigned status, const char *problem)
{
	return sim_answer_json(status, json_pack("{s:s}", "error", problem));
}

static void
copy_member(json_t *to, const json_t *from, const char *name)
{
	json_t *value = json_object_get(from, name);

	if (value != NULL)
		json_object_set(to, name, value);
}

/* The body of a typed message: text, a file or a position; NULL for other events. */
static json_t *
message_body(const json_t *order)
{
	static const char *const forms[][2] = {{"text", "textMessage"},
										   {"file", "fileMessage"},
										   {"position", "geolocationPushMessage"}};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
	{
		json_t *value = json_object_get(order, forms[i][0]);

		if (value != NULL)
			return json_pack("{s:O}", forms[i][1], value);
	}
	return NULL;
}

static json_t *
inbound_info(const json_t *order, const SimInbound *inbound)
{
	const char *event = json_string_value(json_object_get(order, "eventType"));
	json_t *body = message_body(order);
	char now[SIM_TIME_MAX];
	json_t *info;

	if (event == NULL)
		event = body ? "message" : json_object_get(order, "postbackData") ? "response" : "newUser";
	sim_carrier_time(sim_epoch_us(), now, sizeof(now));
	info =
		json_pack("{s:s, s:s, s:s, s:s, s:s}", "replyId", inbound->reply_id, "eventType", event,
				  "userContact", inbound->phone, "chatbotId", inbound->chatbot, "timestamp", now);
	copy_member(info, order, "postbackId");
	copy_member(info, order, "postbackData");
	copy_member(info, order, "displayText");
	if (body != NULL)
		json_object_set_new(info, "messageBody", body);
	return info;
}

static const char *
segment_for(const SimSwitches *switches, const char *phone)
{
	if (switches->mo_segment <= 3)
		return segments[switches->mo_segment];
	return segments[1 + sim_hash(phone, strlen(phone), 0) % 3];
}

static void
push_inbound(Sim *sim, const json_t *order, SimInbound *inbound)
{
	json_t *info = inbound_info(order, inbound);
	char *text = json_dumps(info, JSON_COMPACT);
	SimNotice *notice;

	if (text == NULL)
		sim_fatal("out of memory");
	notice =
		sim_notice_new("inbound", inbound->reply_id,
					   json_string_value(json_object_get(info, "eventType")), text, strlen(text));
	notice->segment = segment_for(&sim->switches, inbound->phone);
	notice->sent_us = &inbound->sent_us;
	json_decref(info);
	sim_push_add(&sim->push, SIM_LANE_INBOUND, notice);
}

/* The n-th user of a burst has the n-th number from the given one on. */
static void
nth_phone(const char *first, json_int_t n, char *phone)
{
	if (n == 0)
		snprintf(phone, SIM_FIELD_MAX + 1, "%s", first);
	else
		snprintf(phone, SIM_FIELD_MAX + 1, "%0*" PRIu64, (int) strlen(first),
				 (uint64_t) strtoull(first, NULL, 10) + (uint64_t) n);
}

/* A member of the order that is a number from 1 to max; 1 when absent, 0 when bad. */
static json_int_t
number_of(const json_t *order, const char *name, json_int_t max)
{
	const json_t *value = json_object_get(order, name);
	json_int_t number = value ? json_integer_value(value) : 1;

	return number >= 1 && number <= max ? number : 0;
}

/* NULL, or why the order cannot be carried out. */
static const char *
check_order(const Sim *sim, const json_t *order)
{
	const char *phone = json_string_value(json_object_get(order, "userContact"));
	const char *chatbot = json_string_value(json_object_get(order, "chatbotId"));
	const char *reply_id = json_string_value(json_object_get(order, "replyId"));
	json_int_t count = number_of(order, "count", COUNT_MAX);

	if (phone == NULL || chatbot == NULL || strlen(phone) > SIM_FIELD_MAX ||
		strlen(chatbot) > SIM_FIELD_MAX)
		return "texts \"chatbotId\" and \"userContact\" are expected";
	if (count == 0 || number_of(order, "times", TIMES_MAX) == 0)
		return "\"count\" may be 1 to 100000, \"times\" 1 to 100";
	if (count > 1 && (strlen(phone) > PHONE_MAX - 2 || phone[strspn(phone, "0123456789")] != '\0' ||
					  reply_id != NULL))
		return "several need a number of digits and no \"replyId\"";
	if (reply_id != NULL && (reply_id[0] == '\0' || strlen(reply_id) > SIM_FIELD_MAX))
		return "bad \"replyId\"";
	if (sim->inbound.count + (size_t) count > SIM_INBOUND_MAX)
		return "too many inbound messages so far";
	return sim_push_possible(&sim->push, SIM_LANE_INBOUND) ? NULL : "there is no mo_url";
}

/* Pushes a message of a user, of several users, or the same several times. */
SimReply
sim_mo(Sim *sim, const SimCall *call)
{
	json_t *order = call->body_cut ? NULL : json_loadb(call->body, call->body_len, 0, NULL);
	const char *problem = check_order(sim, order);
	const char *given = json_string_value(json_object_get(order, "replyId"));
	json_int_t count = number_of(order, "count", COUNT_MAX);
	json_int_t times = number_of(order, "times", TIMES_MAX);
	char reply_id[SIM_UUID_MAX];
	char first[SIM_FIELD_MAX + 1] = "";

	for (json_int_t i = 0; problem == NULL && i < count; i++)
	{
		char phone[SIM_FIELD_MAX + 1];
		SimInbound *inbound;

		nth_phone(json_string_value(json_object_get(order, "userContact")), i, phone);
		inbound = sim_inbound_add(&sim->inbound, given ? given : sim_uuid(reply_id), phone,
								  json_string_value(json_object_get(order, "chatbotId")));
		if (i == 0)
			sim_field_set(first, inbound->reply_id);
		for (json_int_t j = 0; j < times; j++)
			push_inbound(sim, order, inbound);
	}
	json_decref(order);
	if (problem != NULL)
		return unfit(400, problem);
	return sim_answer_json(200, json_pack("{s:s, s:s, s:I}", "status", "ok", "replyId", first,
										  "count", count));
}

/* {"to": "reports" or "inbound", "body": any JSON, or "raw": text}: pushed as it is, once. */
SimReply
sim_push_order(Sim *sim, const SimCall *call)
{
	json_t *order = call->body_cut ? NULL : json_loadb(call->body, call->body_len, 0, NULL);
	const char *to = json_string_value(json_object_get(order, "to"));
	const char *raw = json_string_value(json_object_get(order, "raw"));
	const json_t *body = json_object_get(order, "body");
	SimLaneId lane = to && strcmp(to, "inbound") == 0 ? SIM_LANE_INBOUND : SIM_LANE_REPORTS;
	char *text = raw ? strdup(raw) : json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY);
	bool fit = text != NULL && to != NULL && sim_push_possible(&sim->push, lane);

	if (fit)
	{
		SimNotice *notice = sim_notice_new("raw", NULL, "-", text, strlen(text));

		notice->whole = true;
		sim_push_add(&sim->push, lane, notice);
	}
	else
		free(text);
	json_decref(order);
	if (!fit)
		return unfit(400, "\"to\", \"body\" or \"raw\", and a URL are needed");
	return sim_answer_json(200, json_pack("{s:s}", "status", "ok"));
}
