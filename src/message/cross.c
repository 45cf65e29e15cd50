/*
 * cross.c
 *		Rules between members of a message, and between it and its sender.
 *
 * Section 3.5 of the carrier's rules (doc/messages.md).  A member of a wrong
 * type was complained of before, and is taken as absent here.
 */
#include "postgres.h"

#include "base/jsonb_members.h"
#include "message/cross.h"
#include "message/text_length.h"
#include "message/value.h"

static char *
string_of(JsonbContainer *object, const char *name)
{
	JsonbValue *v = rcs_member(object, name);

	return v != NULL && v->type == jbvString ? pnstrdup(v->val.string.val, v->val.string.len)
											 : NULL;
}

static bool
is_advertising(JsonbContainer *message)
{
	return rcs_is_word(rcs_member(message, "header"), "1");
}

/* ---------- header ---------- */

static void
check_header(RcsCheck *c, JsonbContainer *message, const RcsServiceRule *service)
{
	char *footer = string_of(message, "footer");

	if (!is_advertising(message))
	{
		if (footer != NULL && footer[0] != '\0')
			rcs_complain(c, "footer", "forbidden", "belongs to advertising (header \"1\") only");
		return;
	}
	if (strcmp(service->name, "RCSTMPL") == 0)
		rcs_complain(c, "header", "conflict", "RCSTMPL is for information only (header \"0\")");
	if (footer != NULL && footer[0] == '\0')
		rcs_complain(c, "footer", "too_short", "is empty; left out, it is the chatbot's");
	if (footer == NULL && c->options->facts != NULL)
		footer = (char *) c->options->facts->footer;
	if (footer == NULL && c->options->facts != NULL)
		rcs_complain(c, "footer", "missing",
					 "advertising needs a free opt-out number, and the chatbot has none either");
	c->opt_out = footer;
}

static void
check_layout(RcsCheck *c, JsonbContainer *message, const RcsServiceRule *service,
			 const RcsLayoutRule *layout)
{
	if (service->description == 0 && rcs_member(message, "messagebaseId") == NULL)
		rcs_complain(c, "messagebaseId", "missing",
					 "is missing: %s fills in a template, and names it", service->name);
	for (int i = 0; layout != NULL && layout->services[i] != NULL; i++)
		if (strcmp(layout->services[i], service->name) == 0)
			return;
	if (layout != NULL)
		rcs_complain(c, "messagebaseId", "conflict", "messagebase %s is not for %s",
					 layout->messagebase, service->name);
}

/* ---------- chat ---------- */

static void
check_chat(RcsCheck *c, JsonbContainer *message, const RcsServiceRule *service)
{
	JsonbValue *option = rcs_member(message, "expiryOption");
	int n;

	if (service->chat)
	{
		if (rcs_member(message, "replyId") == NULL)
			rcs_complain(c, "replyId", "missing",
						 "is missing: RCSCHAT answers a message of the user, and names it");
		if (option != NULL && option->type == jbvNumeric && rcs_whole_number(option, &n) && n == 1)
			rcs_complain(c, "expiryOption", "conflict", "RCSCHAT needs expiryOption 2");
		if (rcs_member(message, "legacy") != NULL)
			rcs_complain(c, "legacy", "forbidden", "RCSCHAT has no fallback");
		return;
	}
	if (rcs_member(message, "replyId") != NULL)
		rcs_complain(c, "replyId", "forbidden", "belongs to RCSCHAT only");
	if (rcs_member(message, "chipList") != NULL)
		rcs_complain(c, "chipList", "forbidden", "belongs to RCSCHAT only");
}

/* ---------- buttons ---------- */

static void
check_buttons_of_card(RcsCheck *c, const char *path, JsonbContainer *card,
					  const RcsServiceRule *service)
{
	JsonbContainer *suggestions = rcs_member_list(card, "suggestions");
	int n = suggestions == NULL ? 0 : (int) JsonContainerSize(suggestions);

	/* unlike all others, this member cannot be left out by null */
	if (rcs_member(card, "suggestions") == NULL &&
		getKeyJsonValueFromContainer(card, "suggestions", (int) strlen("suggestions"), NULL) !=
			NULL)
		rcs_complain(c, psprintf("%s.suggestions", path), "type",
					 "is null, not an array; a card without buttons has {}");
	if (n > service->buttons)
		rcs_complain(c, psprintf("%s.suggestions", path), "too_many",
					 "%d buttons, %s has at most %d on a card", n, service->name, service->buttons);
	for (int i = 0; i < n && !service->chat; i++)
	{
		JsonbValue *v = getIthJsonbValueFromContainer(suggestions, i);

		if (v->type == jbvBinary && JsonContainerIsObject(v->val.binary.data) &&
			rcs_member(v->val.binary.data, "reply") != NULL)
			rcs_complain(c, psprintf("%s.suggestions[%d].reply", path, i), "forbidden",
						 "a button that replies belongs to RCSCHAT only");
	}
}

/* A carousel has one element for each card, {} for one without buttons. */
static void
check_buttons(RcsCheck *c, JsonbContainer *message, const RcsServiceRule *service, int cards)
{
	JsonbContainer *buttons = rcs_member_list(message, "buttons");
	int n = buttons == NULL ? 0 : (int) JsonContainerSize(buttons);

	if (n == 0)
		return;
	if (service->buttons == 0)
	{
		rcs_complain(c, "buttons", "forbidden", "the buttons of a template belong to the template");
		return;
	}
	if (cards > 0 && (n > cards || (cards > 1 && n < cards)))
		rcs_complain(c, "buttons", n > cards ? "too_many" : "too_few",
					 "%d %s for %d %s; a card without buttons has {}", n,
					 n == 1 ? "element" : "elements", cards, cards == 1 ? "card" : "cards");
	for (int i = 0; i < n; i++)
	{
		JsonbValue *v = getIthJsonbValueFromContainer(buttons, i);

		if (v->type == jbvBinary && JsonContainerIsObject(v->val.binary.data))
			check_buttons_of_card(c, psprintf("buttons[%d]", i), v->val.binary.data, service);
	}
}

/* ---------- fallback ---------- */

/* The carrier puts the prefix in front of the text of an SMS. */
static int
prefix_bytes(const RcsCheck *c, JsonbContainer *legacy)
{
	const char *prefix = string_of(legacy, "prefix");
	int bad_at;

	if (prefix == NULL && c->options->facts != NULL)
		prefix = c->options->facts->prefix;
	return prefix == NULL ? 0 : Max(rcs_text_cp949_bytes(prefix, (int) strlen(prefix), &bad_at), 0);
}

static void
check_fallback_text(RcsCheck *c, JsonbContainer *legacy, bool is_sms, bool advertising)
{
	RcsMemberRule rule = {.name = "msg", .kind = RCS_IS_STRING, .unit = RCS_IN_CP949};
	JsonbValue *msg = rcs_member(legacy, "msg");

	if (msg == NULL || msg->type != jbvString || msg->val.string.len == 0)
		return; /* check_object has complained */
	rule.max = is_sms ? RCS_SMS_BYTES - prefix_bytes(c, legacy) : RCS_LMS_BYTES;
	rule.form = advertising ? RCS_AD_FORM : RCS_ANY_FORM;
	rcs_check_value(c, "legacy.msg", msg, &rule);
}

static void
check_fallback(RcsCheck *c, JsonbContainer *message)
{
	JsonbContainer *legacy = rcs_member_object(message, "legacy");
	char *type;
	JsonbValue *count;
	int n;

	if (legacy == NULL)
		return;
	type = string_of(legacy, "serviceType");
	count = rcs_member(legacy, "contentCount");
	if (type != NULL)
		check_fallback_text(c, legacy, strcmp(type, "SMS") == 0, is_advertising(message));
	if (type != NULL && strcmp(type, "MMS") != 0 && count != NULL && count->type == jbvNumeric &&
		rcs_whole_number(count, &n) && n != 0)
		rcs_complain(c, "legacy.contentCount", "conflict", "%s has no files: 0", type);
	if (c->options->facts != NULL && c->options->facts->callback == NULL &&
		rcs_member(legacy, "callback") == NULL)
		rcs_complain(c, "legacy.callback", "missing",
					 "is missing, and the chatbot has no callback number either");
}

/* ---------- the whole ---------- */

static void
check_sender(RcsCheck *c, JsonbContainer *message)
{
	char *given = string_of(message, "chatbotId");

	if (given != NULL && c->options->facts != NULL &&
		strcmp(given, c->options->facts->chatbot) != 0)
		rcs_complain(c, "chatbotId", "conflict", "is not the chatbot that sends, %s",
					 c->options->facts->chatbot);
}

void
rcs_check_cross(RcsCheck *c, JsonbContainer *message, const RcsServiceRule *service,
				const RcsLayoutRule *layout, int cards)
{
	check_header(c, message, service);
	check_layout(c, message, service, layout);
	check_chat(c, message, service);
	check_buttons(c, message, service, cards);
	check_fallback(c, message);
	check_sender(c, message);
}
