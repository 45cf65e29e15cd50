/*
 * payload.c
 *	  From a message to the request body that the carrier wants.
 *
 * A message is the carrier's "rcs" object plus an optional "legacy" object.
 * Members that the sender supplies stand in front of it, rendered once when the
 * payload is compiled; the rest is a template.  Unknown members of the
 * message pass through, so a new option of the carrier needs no new release.
 * Members that name the sender are never taken from the message.
 *
 * Must not know HTTP, the queue, or whether a message is valid.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "base/jsonb_members.h"
#include "base/pg_compat.h"
#include "kt/payload.h"
#include "message/body.h"
#include "message/template.h"

struct RcsPayload
{
	char *head;			   /* from behind the phone to before "template" */
	RcsTemplate *template; /* the rest of "rcs" */
	bool expiry_set;	   /* expiryOption is in head or template */
	char *legacy_head;	   /* NULL: no fallback */
	bool legacy_fixed;	   /* legacy_head holds members */
	RcsTemplate *legacy;
};

/* supplied by the sender, or treated elsewhere */
static const char *const not_from_message[] = {"chatbotId", "agencyId", "agencyKey", "brandKey",
											   "legacy"};
static const char *const not_from_legacy[] = {"kisaOrigCode"};

/* ---------- writing ---------- */

static void
add_text(StringInfo s, const char *text)
{
	appendStringInfoChar(s, '"');
	rcs_template_escape(s, text, strlen(text));
	appendStringInfoChar(s, '"');
}

/* A NULL value is not written. */
static void
add_member(StringInfo s, const char *key, const char *value)
{
	if (value == NULL)
		return;
	appendStringInfo(s, ",\"%s\":", key);
	add_text(s, value);
}

/* ---------- the layout ---------- */

/* A chat bubble shows neither a title nor a picture. */
static const char *
chat_messagebase(JsonbContainer *body)
{
	if (body == NULL)
		return "SCS00000";
	if (rcs_member_present(body, "media"))
		return "SCwThM00";
	return rcs_member_present(body, "title") ? "SCL00000" : "SCS00000";
}

/* The layout of a message that names none, by what its body holds; NULL for template types. */
static const char *
default_messagebase(const char *service_type, JsonbContainer *body)
{
	static const char *const mms[RCS_MAX_CARDS] = {"SMwThM00",	 "CMwMhM0200", "CMwMhM0300",
												   "CMwMhM0400", "CMwMhM0500", "CMwMhM0600"};
	static const char *const chat[RCS_MAX_CARDS] = {NULL,		  "CCwMhM0200", "CCwMhM0300",
													"CCwMhM0400", "CCwMhM0500", "CCwMhM0600"};
	int i = body == NULL ? 0 : Max(rcs_body_cards(body), 1) - 1;

	if (strcmp(service_type, "RCSSMS") == 0)
		return "SS000000";
	if (strcmp(service_type, "RCSLMS") == 0)
		return "SL000000";
	if (strcmp(service_type, "RCSMMS") == 0)
		return mms[i];
	if (strcmp(service_type, "RCSCHAT") == 0)
		return i > 0 ? chat[i] : chat_messagebase(body);
	return NULL;
}

/* ---------- compiling ---------- */

static char *
compile_head(RcsPayload *p, JsonbContainer *message, const RcsSender *sender, bool fallback)
{
	StringInfoData s;
	char *service = rcs_member_text(message, "serviceType");
	char *header = rcs_member_text(message, "header");
	JsonbContainer *body = rcs_member_object(message, "body");

	initStringInfo(&s);
	appendStringInfo(&s, ",\"scheduleType\":0,\"msgServiceType\":\"%s\"},\"rcs\":{\"chatbotId\":",
					 fallback ? "rcs, legacy" : "rcs");
	add_text(&s, sender->chatbot ? sender->chatbot : "");
	add_member(&s, "agencyId", sender->agency_id);
	add_member(&s, "agencyKey", sender->agency_key);
	add_member(&s, "brandKey", sender->brand_key);
	if (service != NULL && !rcs_member_present(message, "messagebaseId"))
		add_member(&s, "messagebaseId", default_messagebase(service, body));
	if (header == NULL)
		add_member(&s, "header", "0");
	else if (strcmp(header, "1") == 0 && !rcs_member_present(message, "footer"))
		add_member(&s, "footer", sender->footer);
	if (!rcs_member_present(message, "cdrId"))
		add_member(&s, "cdrId", sender->cdr_id);

	/* the carrier demands it of chat messages */
	p->expiry_set = rcs_member_present(message, "expiryOption");
	if (!p->expiry_set && service != NULL && strcmp(service, "RCSCHAT") == 0)
	{
		appendStringInfoString(&s, ",\"expiryOption\":2");
		p->expiry_set = true;
	}
	return s.data;
}

static bool
is_one_of(const JsonbValue *key, const char *const *names, int n)
{
	for (int i = 0; i < n; i++)
		if (rcs_is_word(key, names[i]))
			return true;
	return false;
}

/* The object without some members, and without those that are null. */
static JsonbContainer *
rest_of(JsonbContainer *object, const char *const *left_out, int n)
{
	RcsJsonbState state = {0};
	JsonbIterator *it = JsonbIteratorInit(object);
	JsonbIteratorToken token;
	JsonbValue key;
	JsonbValue value;

	RcsPushJsonb(&state, WJB_BEGIN_OBJECT, NULL);
	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&it, &value, true);
		if (value.type == jbvNull || is_one_of(&key, left_out, n))
			continue;
		RcsPushJsonb(&state, WJB_KEY, &key);
		RcsPushJsonb(&state, WJB_VALUE, &value);
	}
	return &JsonbValueToJsonb(RcsPushJsonb(&state, WJB_END_OBJECT, NULL))->root;
}

/* The carrier wants a number here; people write it in quotes. */
static void
add_kisa_code(StringInfo s, JsonbContainer *legacy, const RcsSender *sender)
{
	const char *code = rcs_member_text(legacy, "kisaOrigCode");

	if (code == NULL)
		code = sender->kisa_orig_code;
	if (code == NULL)
		return;
	if (code[0] == '\0' || strspn(code, "0123456789") != strlen(code))
	{
		add_member(s, "kisaOrigCode", code);
		return;
	}
	while (code[0] == '0' && code[1] != '\0')
		code++;
	appendStringInfo(s, ",\"kisaOrigCode\":%s", code);
}

static void
compile_legacy(RcsPayload *p, JsonbContainer *legacy, const RcsSender *sender, bool allow_params)
{
	StringInfoData s;
	StringInfoData members;

	/* each member begins with a comma, the first one's is taken off */
	initStringInfo(&members);
	if (!rcs_member_present(legacy, "contentCount"))
		appendStringInfoString(&members, ",\"contentCount\":0");
	if (!rcs_member_present(legacy, "callback"))
		add_member(&members, "callback", sender->callback);
	if (!rcs_member_present(legacy, "prefix"))
		add_member(&members, "prefix", sender->fallback_prefix);
	add_kisa_code(&members, legacy, sender);

	initStringInfo(&s);
	appendStringInfoString(&s, ",\"legacy\":");
	if (members.len > 0)
		appendStringInfo(&s, "{%s", members.data + 1);
	p->legacy_head = s.data;
	p->legacy_fixed = members.len > 0;
	p->legacy = rcs_template_compile(rest_of(legacy, not_from_legacy, lengthof(not_from_legacy)),
									 allow_params);
}

RcsPayload *
rcs_payload_compile(JsonbContainer *message, const RcsSender *sender, bool allow_params)
{
	RcsPayload *p = palloc0(sizeof(RcsPayload));
	JsonbContainer *legacy = rcs_member_object(message, "legacy");

	p->head = compile_head(p, message, sender, legacy != NULL);
	p->template =
		rcs_template_compile(rest_of(message, not_from_message, lengthof(not_from_message)),
							 allow_params);
	if (legacy != NULL)
		compile_legacy(p, legacy, sender, allow_params);
	return p;
}

/* ---------- rendering ---------- */

/*
 * Renders an object behind members that are there already: its opening brace
 * becomes the joint.
 */
static const char *
splice(StringInfo out, const RcsTemplate *t, JsonbContainer *params, char joint)
{
	int brace = out->len;
	const char *missing = rcs_template_render(t, params, out);

	if (missing != NULL)
		return missing;
	if (joint == ',' && out->len == brace + 2)
	{
		/* an empty object: only its closing brace stays */
		out->len = brace;
		appendStringInfoChar(out, '}');
	}
	else
		out->data[brace] = joint;
	return NULL;
}

/* NULL, or the fault; only a database without an encoding can hold text that is not UTF-8. */
static const char *
make_utf8(StringInfo out, int start)
{
	int len = out->len - start;
	char *utf8;

	if (GetDatabaseEncoding() == PG_UTF8)
		return NULL;
	if (GetDatabaseEncoding() == PG_SQL_ASCII &&
		!pg_verify_mbstr(PG_UTF8, out->data + start, len, true))
		return "text in UTF-8";
	utf8 = pg_server_to_any(out->data + start, len, PG_UTF8);
	if (utf8 != out->data + start)
	{
		out->len = start;
		appendStringInfoString(out, utf8);
		pfree(utf8);
	}
	return NULL;
}

const char *
rcs_payload_render(const RcsPayload *p, const char *msgid, const char *phone,
				   JsonbContainer *params, bool expires_soon, StringInfo out)
{
	int start = out->len;
	const char *missing;

	appendStringInfoString(out, "{\"common\":{\"msgId\":");
	add_text(out, msgid);
	appendStringInfoString(out, ",\"userContact\":");
	add_text(out, phone);
	appendStringInfoString(out, p->head);
	if (expires_soon && !p->expiry_set)
		appendStringInfoString(out, ",\"expiryOption\":2");
	missing = splice(out, p->template, params, ',');
	if (missing == NULL && p->legacy != NULL)
	{
		appendStringInfoString(out, p->legacy_head);
		missing = splice(out, p->legacy, params, p->legacy_fixed ? ',' : '{');
	}
	appendStringInfoChar(out, '}');
	if (missing == NULL)
		missing = make_utf8(out, start);
	if (missing != NULL)
	{
		out->len = start;
		out->data[start] = '\0';
	}
	return missing;
}

bool
rcs_payload_is_ad(JsonbContainer *message)
{
	char *header = rcs_member_text(message, "header");

	return header != NULL && strcmp(header, "1") == 0;
}
