/*
 * schema.c
 *		The members of the carrier's messages, as tables.
 *
 * Lengths are the carrier's, without the members that a sender supplies.  value.c
 * reads the tables.
 */
#include "postgres.h"

#include "message/schema.h"

#define STRING(member, needed, least, most, ...)                                              \
	{                                                                                         \
		.name = member, .kind = RCS_IS_STRING, .required = needed, .min = least, .max = most, \
		##__VA_ARGS__                                                                         \
	}
#define OBJECT(member, needed, rule)                                              \
	{                                                                             \
		.name = member, .kind = RCS_IS_OBJECT, .required = needed, .object = rule \
	}
#define END_OF_MEMBERS \
	{                  \
		.name = NULL   \
	}
#define END_OF_CHOICES \
	{                  \
		false,         \
		{              \
			NULL       \
		}              \
	}

static const char *const yes_no[] = {"true", "false", NULL};
static const char *const headers[] = {"0", "1", NULL};
static const char *const fallback_types[] = {"SMS", "LMS", "MMS", NULL};
static const char *const service_types[] = {"RCSSMS",	"RCSLMS",  "RCSMMS", "RCSTMPL",
											"RCSITMPL", "RCSCHAT", NULL};

/* ---------- buttons ---------- */

static const RcsMemberRule post_parameter[] = {STRING("P_NAME", true, 0, 0),
											   STRING("P_MID", true, 0, 0), END_OF_MEMBERS};
static const RcsObjectRule post_parameter_rule = {post_parameter, NULL};

static const RcsMemberRule open_url[] = {
	STRING("url", true, 1, 0, .form = RCS_URL_FORM),
	STRING("isHalfView", false, 0, 0, .words = yes_no),
	OBJECT("postParameter", false, &post_parameter_rule),
	END_OF_MEMBERS,
};
static const RcsObjectRule open_url_rule = {open_url, NULL};
static const RcsMemberRule url_action[] = {OBJECT("openUrl", true, &open_url_rule), END_OF_MEMBERS};
static const RcsObjectRule url_action_rule = {url_action, NULL};

static const RcsMemberRule location[] = {
	STRING("query", false, 0, 0),
	{.name = "latitude", .kind = RCS_IS_NUMBER},
	{.name = "longitude", .kind = RCS_IS_NUMBER},
	STRING("label", false, 0, 200),
	END_OF_MEMBERS,
};
static const RcsChoiceRule location_choices[] = {
	{true, {"query", "latitude", NULL}},
	{true, {"query", "longitude", NULL}},
	END_OF_CHOICES,
};
static const RcsObjectRule location_rule = {location, location_choices};
static const RcsMemberRule show_location[] = {
	STRING("fallbackUrl", true, 0, 1000),
	OBJECT("location", true, &location_rule),
	END_OF_MEMBERS,
};
static const RcsObjectRule show_location_rule = {show_location, NULL};
static const RcsMemberRule map_action[] = {
	OBJECT("showLocation", false, &show_location_rule),
	OBJECT("requestLocationPush", false, NULL),
	END_OF_MEMBERS,
};
static const RcsChoiceRule map_choices[] = {{true, {"showLocation", "requestLocationPush", NULL}},
											END_OF_CHOICES};
static const RcsObjectRule map_action_rule = {map_action, map_choices};

static const RcsMemberRule calendar_event[] = {
	STRING("title", true, 1, 100),
	STRING("description", true, 1, 500),
	STRING("startTime", true, 1, 0, .form = RCS_TIME_FORM),
	STRING("endTime", true, 1, 0, .form = RCS_TIME_FORM),
	END_OF_MEMBERS,
};
static const RcsObjectRule calendar_event_rule = {calendar_event, NULL};
static const RcsMemberRule calendar_action[] = {OBJECT("createCalendarEvent", true,
													   &calendar_event_rule),
												END_OF_MEMBERS};
static const RcsObjectRule calendar_action_rule = {calendar_action, NULL};

static const RcsMemberRule clipboard[] = {STRING("text", true, 1, 0), END_OF_MEMBERS};
static const RcsObjectRule clipboard_rule = {clipboard, NULL};
static const RcsMemberRule clipboard_action[] = {OBJECT("copyToClipboard", true, &clipboard_rule),
												 END_OF_MEMBERS};
static const RcsObjectRule clipboard_action_rule = {clipboard_action, NULL};

static const RcsMemberRule compose[] = {STRING("phoneNumber", true, 1, 0),
										STRING("text", true, 1, 100), END_OF_MEMBERS};
static const RcsObjectRule compose_rule = {compose, NULL};
static const RcsMemberRule compose_action[] = {OBJECT("composeTextMessage", true, &compose_rule),
											   END_OF_MEMBERS};
static const RcsObjectRule compose_action_rule = {compose_action, NULL};

static const RcsMemberRule dial[] = {STRING("phoneNumber", true, 1, 0), END_OF_MEMBERS};
static const RcsObjectRule dial_rule = {dial, NULL};
static const RcsMemberRule dialer_action[] = {OBJECT("dialPhoneNumber", true, &dial_rule),
											  END_OF_MEMBERS};
static const RcsObjectRule dialer_action_rule = {dialer_action, NULL};

static const RcsMemberRule postback[] = {STRING("data", true, 0, 2048), END_OF_MEMBERS};
static const RcsObjectRule postback_rule = {postback, NULL};

static const RcsMemberRule action[] = {
	OBJECT("urlAction", false, &url_action_rule),
	OBJECT("localBrowserAction", false, &url_action_rule),
	OBJECT("mapAction", false, &map_action_rule),
	OBJECT("calendarAction", false, &calendar_action_rule),
	OBJECT("clipboardAction", false, &clipboard_action_rule),
	OBJECT("composeAction", false, &compose_action_rule),
	OBJECT("dialerAction", false, &dialer_action_rule),
	STRING("displayText", true, 1, 200),
	OBJECT("postback", true, &postback_rule),
	END_OF_MEMBERS,
};
static const RcsChoiceRule action_choices[] = {
	{true,
	 {"urlAction", "localBrowserAction", "mapAction", "calendarAction", "clipboardAction",
	  "composeAction", "dialerAction", NULL}},
	END_OF_CHOICES,
};
static const RcsObjectRule action_rule = {action, action_choices};

static const RcsMemberRule reply[] = {STRING("displayText", true, 1, 200),
									  OBJECT("postback", true, &postback_rule), END_OF_MEMBERS};
static const RcsObjectRule reply_rule = {reply, NULL};

static const RcsMemberRule suggestion[] = {OBJECT("action", false, &action_rule),
										   OBJECT("reply", false, &reply_rule), END_OF_MEMBERS};
static const RcsChoiceRule suggestion_choices[] = {{true, {"action", "reply", NULL}},
												   END_OF_CHOICES};
static const RcsObjectRule suggestion_rule = {suggestion, suggestion_choices};

static const RcsMemberRule buttons_of_card[] =
	{{.name = "suggestions", .kind = RCS_IS_LIST, .min = 1, .object = &suggestion_rule},
	 END_OF_MEMBERS};
static const RcsObjectRule buttons_of_card_rule = {buttons_of_card, NULL};

/* ---------- fallback ---------- */

static const RcsMemberRule legacy[] = {
	STRING("serviceType", true, 0, 0, .words = fallback_types),
	STRING("callback", false, 1, 20),
	STRING("subject", false, 0, 50, .form = RCS_FALLBACK_FORM),
	STRING("msg", true, 1, 0) /* how long: cross.c */,
	{.name = "contentCount", .kind = RCS_IS_INTEGER, .min = 0, .max = 3},
	STRING("contentData", false, 0, 250, .unit = RCS_IN_BYTES),
	STRING("prefix", false, 0, 10, .form = RCS_FALLBACK_FORM, .fixed = true),
	{.name = "kisaOrigCode", .kind = RCS_IS_DIGITS, .max = 9},
	END_OF_MEMBERS,
};
static const RcsObjectRule legacy_rule = {legacy, NULL};

/* ---------- the message ---------- */

static const RcsMemberRule message[] = {
	STRING("serviceType", true, 0, 0, .words = service_types),
	STRING("messagebaseId", false, 1, 40, .fixed = true),
	STRING("header", false, 0, 0, .words = headers),
	STRING("footer", false, 0, 20, .form = RCS_OPT_OUT_FORM, .fixed = true),
	STRING("chatbotId", false, 0, 40),
	STRING("agencyId", false, 0, 20, .unit = RCS_IN_BYTES),
	STRING("agencyKey", false, 0, 64),
	STRING("brandKey", false, 0, 64),
	{.name = "expiryOption", .kind = RCS_IS_INTEGER, .min = 1, .max = 2},
	STRING("cdrId", false, 0, 20),
	{.name = "copyAllowed", .kind = RCS_IS_BOOL},
	STRING("replyId", false, 1, 40, .unit = RCS_IN_BYTES),
	{.name = "body", .kind = RCS_IS_OBJECT, .required = true}, /* body.c */
	{.name = "buttons", .kind = RCS_IS_LIST, .object = &buttons_of_card_rule},
	{.name = "chipList", .kind = RCS_IS_LIST, .min = 1, .max = 11, .object = &suggestion_rule},
	OBJECT("legacy", false, &legacy_rule),
	END_OF_MEMBERS,
};
const RcsObjectRule rcs_message_rule = {message, NULL};

static const RcsServiceRule services[] = {
	{"RCSSMS", RCS_SMS_CHARACTERS, 0, 1, false, false},
	{"RCSLMS", RCS_LMS_CHARACTERS, 0, 3, false, false},
	{"RCSMMS", RCS_LMS_CHARACTERS, RCS_LMS_CHARACTERS, 2, true, false},
	{"RCSCHAT", RCS_LMS_CHARACTERS, 0, 4, false, true},
	{"RCSTMPL", 0, 90, 0, false, false},
	{"RCSITMPL", 0, 0, 0, false, false},
};

/* ---------- layouts ---------- */

#define CARDS_OF(prefix, service)                                                               \
	{prefix "0200", {service, NULL}, 2, false}, {prefix "0300", {service, NULL}, 3, false},     \
		{prefix "0400", {service, NULL}, 4, false}, {prefix "0500", {service, NULL}, 5, false}, \
	{                                                                                           \
		prefix "0600", {service, NULL}, 6, false                                                \
	}

static const RcsLayoutRule layouts[] = {
	{"SS000000", {"RCSSMS", NULL}, 1, false},
	{"SL000000", {"RCSLMS", NULL}, 1, false},
	{"SMwThT00", {"RCSMMS", NULL}, 1, false},
	{"SMwThM00", {"RCSMMS", NULL}, 1, false},
	CARDS_OF("CMwMhM", "RCSMMS"),
	CARDS_OF("CMwShS", "RCSMMS"),
	{"OMHITV0001", {"RCSMMS", "RCSITMPL", NULL}, 1, true},
	{"OMHITS0001", {"RCSMMS", "RCSITMPL", NULL}, 1, true},
	{"OMHIMV0001", {"RCSMMS", "RCSITMPL", NULL}, 1, true},
	{"OMHIMS0001", {"RCSMMS", "RCSITMPL", NULL}, 1, true},
	{"OMTBNV0001", {"RCSMMS", "RCSITMPL", NULL}, 1, true},
	{"OMTBNS0001", {"RCSMMS", "RCSITMPL", NULL}, 1, true},
	{"OMSNSS0001", {"RCSMMS", "RCSITMPL", NULL}, 1, true},
	{"OMSNSH0001", {"RCSMMS", "RCSITMPL", NULL}, 1, true},
	{"OL00000001", {"RCSLMS", NULL}, 1, true},
	{"SCS00000", {"RCSCHAT", NULL}, 1, false},
	{"SCL00000", {"RCSCHAT", NULL}, 1, false},
	{"SCwThT00", {"RCSCHAT", NULL}, 1, false},
	{"SCwThM00", {"RCSCHAT", NULL}, 1, false},
	CARDS_OF("CCwMhM", "RCSCHAT"),
	CARDS_OF("CCwShS", "RCSCHAT"),
};

#define NUMBERED(member, ...)                                                                   \
	STRING(member "1", false, 0, 0, __VA_ARGS__), STRING(member "2", false, 0, 0, __VA_ARGS__), \
		STRING(member "3", false, 0, 0, __VA_ARGS__)

const RcsMemberRule rcs_body_members[] = {
	STRING("title", false, 0, RCS_TITLE_CHARACTERS, .form = RCS_TEXT_FORM),
	STRING("description", false, 0, RCS_LMS_CHARACTERS, .form = RCS_TEXT_FORM, .summed = true),
	STRING("media", false, 0, 0, .form = RCS_MEDIA_FORM),
	STRING("mediaUrl", false, 0, 0),
	NUMBERED("subTitle", .form = RCS_TEXT_FORM),
	NUMBERED("subDesc", .form = RCS_TEXT_FORM, .summed = true),
	NUMBERED("subMedia", .form = RCS_MEDIA_FORM),
	NUMBERED("subMediaUrl", .form = RCS_ANY_FORM),
	STRING("mTitle", false, 0, 0, .form = RCS_TEXT_FORM),
	STRING("mTitleMedia", false, 0, 0, .form = RCS_MEDIA_FORM),
	STRING("itemTitle", false, 0, 0, .form = RCS_TEXT_FORM),
	STRING("itemDesc", false, 0, 0, .form = RCS_TEXT_FORM, .summed = true),
	STRING("itemMedia", false, 0, 0, .form = RCS_MEDIA_FORM),
	STRING("cellTitle", false, 0, 0, .form = RCS_TEXT_FORM),
	STRING("cellLeft1", false, 0, 0, .form = RCS_TEXT_FORM),
	STRING("cellLeft2", false, 0, 0, .form = RCS_TEXT_FORM),
	STRING("cellRight1", false, 0, 0, .form = RCS_TEXT_FORM),
	STRING("cellRight2", false, 0, 0, .form = RCS_TEXT_FORM),
	END_OF_MEMBERS,
};

/* ---------- finding ---------- */

static bool
same_name(const char *name, const char *given, int len)
{
	return (int) strlen(name) == len && memcmp(name, given, len) == 0;
}

const RcsServiceRule *
rcs_service_rule(const char *name, int len)
{
	for (int i = 0; i < (int) lengthof(services); i++)
		if (same_name(services[i].name, name, len))
			return &services[i];
	return NULL;
}

const RcsLayoutRule *
rcs_layout_rule(const char *messagebase, int len)
{
	for (int i = 0; i < (int) lengthof(layouts); i++)
		if (same_name(layouts[i].messagebase, messagebase, len))
			return &layouts[i];
	return NULL;
}
