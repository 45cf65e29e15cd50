/*
 * check.c
 *	  Does a message keep the carrier's rules?
 *
 * Pure functions of the JSON text: each returns NULL or the code of the first
 * rule broken.  Knows nothing of accounts, rates, HTTP or switches.
 */
#include "check.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

#define BODY_MAX_BYTES 10240
#define TITLE_MAX 30
#define TEMPLATE_VALUES_MAX 90
#define BUTTON_TEXT_MAX 200
#define CHIPS_MAX 11

/* No JSON text grows more than this when written again in compact form. */
#define COMPACT_GROWTH_MAX 5

/* The member, with null counted as absent as the carrier seems to do. */
static json_t *
member(const json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);

	return json_is_null(value) ? NULL : value;
}

/* A text of at most max characters; a required one must not be empty. */
static bool
text_fits(const json_t *object, const char *name, size_t max, bool required)
{
	const json_t *value = member(object, name);

	if (value == NULL)
		return !required;
	if (!json_is_string(value))
		return false;
	if (required && json_string_length(value) == 0)
		return false;
	return json_string_length(value) <= max || sim_code_points(json_string_value(value)) <= max;
}

static bool
text_is(const json_t *object, const char *name, const char *expected)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value != NULL && strcmp(value, expected) == 0;
}

static bool
only_of(const char *text, const char *alphabet)
{
	return text[strspn(text, alphabet)] == '\0';
}

const char *
sim_check_envelope(const json_t *root)
{
	if (root == NULL)
		return "71005";
	if (!json_is_object(root))
		return "71004";
	if (!json_is_object(json_object_get(root, "common")) ||
		!json_is_object(json_object_get(root, "rcs")))
		return "71008";
	return NULL;
}

/* Clients send the number 0, the text "0", or nothing. */
static bool
schedule_type_ok(const json_t *value)
{
	if (value == NULL)
		return true;
	if (json_is_integer(value))
		return json_integer_value(value) == 0;
	return json_is_string(value) && strcmp(json_string_value(value), "0") == 0;
}

const char *
sim_check_common(const json_t *common)
{
	const char *phone;

	if (!text_fits(common, "msgId", 40, true) || !text_fits(common, "userContact", 40, true) ||
		!text_fits(common, "msgGroupId", 20, false) ||
		!schedule_type_ok(member(common, "scheduleType")))
		return "72101";
	if (!text_is(common, "msgServiceType", "rcs") &&
		!text_is(common, "msgServiceType", "rcs, legacy"))
		return "72101";
	phone = json_string_value(json_object_get(common, "userContact"));
	if (phone[0] != '0' || !only_of(phone, "0123456789"))
		return "75008";
	return NULL;
}

static const char *
check_rcs_fields(const json_t *rcs)
{
	const json_t *copy_allowed = member(rcs, "copyAllowed");
	const json_t *reply_id = member(rcs, "replyId");

	if (!text_fits(rcs, "chatbotId", 40, true) || !text_fits(rcs, "agencyId", 20, false) ||
		!text_fits(rcs, "agencyKey", 64, true) || !text_fits(rcs, "brandKey", 64, true) ||
		!text_fits(rcs, "messagebaseId", 40, true) || !text_fits(rcs, "serviceType", 40, true) ||
		!text_fits(rcs, "header", 40, true) || !text_fits(rcs, "cdrId", 20, false))
		return "72103";
	if (copy_allowed != NULL && !json_is_boolean(copy_allowed))
		return "72103";
	if (reply_id != NULL && (!json_is_string(reply_id) || json_string_length(reply_id) > 40))
		return "72103";
	if (!json_is_object(json_object_get(rcs, "body")))
		return "72103";
	return NULL;
}

static const char *
check_service_type(const json_t *rcs)
{
	static const char *const types[] = {"RCSSMS",  "RCSLMS",   "RCSMMS",
										"RCSTMPL", "RCSITMPL", "RCSCHAT"};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (text_is(rcs, "serviceType", types[i]))
			return NULL;
	return "72123";
}

/* 0 counts as absent: a client in the field sends it. */
static const char *
check_expiry(const json_t *rcs)
{
	const json_t *value = member(rcs, "expiryOption");
	json_int_t option = json_integer_value(value);

	if (value != NULL && !json_is_integer(value))
		return "72125";
	if (option < 0 || option > 2)
		return "72125";
	if (text_is(rcs, "serviceType", "RCSCHAT") && option != 2)
		return "72125";
	return NULL;
}

static const char *
check_header_footer(const json_t *rcs)
{
	const json_t *value = member(rcs, "footer");
	const char *footer = "";

	if (value != NULL)
	{
		if (!json_is_string(value))
			return "72127";
		footer = json_string_value(value);
	}
	if (text_is(rcs, "header", "0"))
		return footer[0] == '\0' ? NULL : "72127";
	if (!text_is(rcs, "header", "1") || text_is(rcs, "serviceType", "RCSTMPL"))
		return "72126";
	if (footer[0] == '\0' || strlen(footer) > 20 || !only_of(footer, "0123456789-"))
		return "72127";
	return NULL;
}

static bool
button_text_ok(const json_t *suggestion)
{
	const json_t *button = json_object_get(suggestion, "action");

	if (button == NULL)
		button = json_object_get(suggestion, "reply");
	return json_is_object(button) && text_fits(button, "displayText", BUTTON_TEXT_MAX, true);
}

/* One entry per card; an empty entry is a card without buttons. */
static const char *
check_buttons(const json_t *rcs)
{
	const json_t *buttons = member(rcs, "buttons");
	const json_t *card;
	const json_t *suggestion;
	size_t i;
	size_t j;

	if (buttons != NULL && !json_is_array(buttons))
		return "72103";
	json_array_foreach(buttons, i, card)
	{
		if (!json_is_object(card))
			return "72103";
		json_array_foreach(json_object_get(card, "suggestions"), j,
						   suggestion) if (!button_text_ok(suggestion)) return "72103";
	}
	return NULL;
}

static const char *
check_chat(const json_t *rcs)
{
	const json_t *chips = member(rcs, "chipList");
	const json_t *reply_id = member(rcs, "replyId");
	bool has_reply = json_string_length(reply_id) > 0;
	size_t count = json_array_size(chips);

	if (!text_is(rcs, "serviceType", "RCSCHAT"))
	{
		if (chips != NULL)
			return "72133";
		return has_reply ? "72103" : NULL;
	}
	if (chips != NULL && (!json_is_array(chips) || count < 1 || count > CHIPS_MAX))
		return "72133";
	return has_reply ? NULL : "72137";
}

const char *
sim_check_rcs(const json_t *rcs)
{
	const char *code = check_rcs_fields(rcs);

	if (code == NULL)
		code = check_service_type(rcs);
	if (code == NULL)
		code = check_expiry(rcs);
	if (code == NULL)
		code = check_header_footer(rcs);
	if (code == NULL)
		code = check_buttons(rcs);
	if (code == NULL)
		code = check_chat(rcs);
	return code;
}

/* Is this the name, or the name with a card number after it? */
static bool
named(const char *key, const char *name)
{
	size_t len = strlen(name);

	return strncmp(key, name, len) == 0 && only_of(key + len, "0123456789");
}

typedef struct Lengths
{
	size_t title; /* the longest */
	size_t description;
	size_t descriptions; /* together */
	size_t others;
} Lengths;

static Lengths
measure_texts(const json_t *body)
{
	Lengths lengths = {0};
	const char *key;
	json_t *value;

	json_object_foreach((json_t *) body, key, value)
	{
		size_t len = json_is_string(value) ? sim_code_points(json_string_value(value)) : 0;

		if (named(key, "title") && len > lengths.title)
			lengths.title = len;
		if (named(key, "description") && len > lengths.description)
			lengths.description = len;
		if (named(key, "description"))
			lengths.descriptions += len;
		else
			lengths.others += len;
	}
	return lengths;
}

/* A chat message has a limit for each text; the variables of a template are of any name. */
static bool
texts_fit(const json_t *rcs, const Lengths *lengths)
{
	bool chat = text_is(rcs, "serviceType", "RCSCHAT");
	size_t max = text_is(rcs, "serviceType", "RCSSMS") ? 100 : 1300;

	if ((chat ? lengths->description : lengths->descriptions) > max)
		return false;
	if (text_is(rcs, "serviceType", "RCSTMPL"))
		return lengths->others <= TEMPLATE_VALUES_MAX;
	return lengths->title <= TITLE_MAX;
}

static bool
needs_description(const json_t *rcs)
{
	const char *layout = json_string_value(json_object_get(rcs, "messagebaseId"));

	if (text_is(rcs, "serviceType", "RCSTMPL") || text_is(rcs, "serviceType", "RCSITMPL"))
		return false;
	return strncmp(layout, "OM", 2) != 0; /* some of these are pictures only */
}

/* Call only for an rcs object that sim_check_rcs() has passed. */
const char *
sim_check_sizes(const json_t *rcs, size_t raw_len)
{
	const json_t *body = json_object_get(rcs, "body");
	Lengths lengths = measure_texts(body);

	if (needs_description(rcs) && !text_fits(body, "description", SIZE_MAX, true) &&
		!text_fits(body, "description1", SIZE_MAX, true))
		return "72103";
	if (raw_len > BODY_MAX_BYTES / COMPACT_GROWTH_MAX &&
		json_dumpb(body, NULL, 0, JSON_COMPACT) > BODY_MAX_BYTES)
		return "72117";
	if (text_is(rcs, "serviceType", "RCSITMPL"))
		return NULL;
	return texts_fit(rcs, &lengths) ? NULL : "72121";
}

static bool
is_media_key(const char *key)
{
	return named(key, "media") || named(key, "subMedia") || strcmp(key, "mTitleMedia") == 0 ||
		   strcmp(key, "itemMedia") == 0;
}

/* The file a media value names, a video's after the comma; NULL when it names none. */
static const char *
file_of(const char *value)
{
	static const char prefix[] = ",maapfile://";
	const char *found;

	if (strncmp(value, prefix + 1, sizeof(prefix) - 2) == 0)
		return value + sizeof(prefix) - 2;
	found = strstr(value, prefix);
	return found ? found + sizeof(prefix) - 1 : NULL;
}

/* Call only for an rcs object that sim_check_rcs() has passed. */
const char *
sim_check_media(const json_t *rcs, SimFileKnown *known, void *context)
{
	const char *key;
	json_t *value;

	json_object_foreach(json_object_get(rcs, "body"), key, value)
	{
		const char *file_id = NULL;

		if (json_is_string(value) && is_media_key(key))
			file_id = file_of(json_string_value(value));
		if (file_id != NULL && !known(file_id, context))
			return "72106";
	}
	return NULL;
}

/* As in EUC-KR: one byte for ASCII, two for everything else. */
static size_t
korean_bytes(const char *text)
{
	size_t bytes = 0;

	for (; *text != '\0'; text++)
	{
		unsigned char byte = (unsigned char) *text;

		if (byte < 0x80)
			bytes += 1;
		else if ((byte & 0xc0) != 0x80)
			bytes += 2;
	}
	return bytes;
}

static bool
legacy_text_ok(const json_t *legacy)
{
	size_t max = text_is(legacy, "serviceType", "SMS") ? 80 : 4000;

	if (!text_fits(legacy, "callback", 20, true) || !text_fits(legacy, "subject", 50, false) ||
		!text_fits(legacy, "msg", SIZE_MAX, true) ||
		!text_fits(legacy, "contentData", 250, false) || !text_fits(legacy, "prefix", 10, false))
		return false;
	return korean_bytes(json_string_value(json_object_get(legacy, "msg"))) <= max;
}

static bool
legacy_numbers_ok(const json_t *legacy)
{
	const json_t *count = json_object_get(legacy, "contentCount");
	const json_t *origin = member(legacy, "kisaOrigCode");
	json_int_t max = text_is(legacy, "serviceType", "MMS") ? 3 : 0;

	if (!json_is_integer(count) || json_integer_value(count) < 0 || json_integer_value(count) > max)
		return false;
	if (json_is_string(origin))
		return json_string_length(origin) <= 9 && only_of(json_string_value(origin), "0123456789");
	return origin == NULL || (json_is_integer(origin) && json_integer_value(origin) >= 0 &&
							  json_integer_value(origin) <= 999999999);
}

/* A legacy object that msgServiceType does not ask for is ignored. */
const char *
sim_check_legacy(const json_t *root)
{
	const json_t *legacy = member(root, "legacy");

	if (text_is(json_object_get(root, "common"), "msgServiceType", "rcs"))
		return NULL;
	if (!json_is_object(legacy))
		return "72102";
	if (!text_is(legacy, "serviceType", "SMS") && !text_is(legacy, "serviceType", "LMS") &&
		!text_is(legacy, "serviceType", "MMS"))
		return "72102";
	return legacy_text_ok(legacy) && legacy_numbers_ok(legacy) ? NULL : "72102";
}
