/*
 * body.c
 *		The body of a message: cards, or the variables of a brand's template.
 *
 * Which members a body has depends on the service type and the layout, so their
 * rules are made here from the tables.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "base/jsonb_members.h"
#include "message/body.h"
#include "message/form.h"
#include "message/value.h"

static const char *const card_members[] = {"title", "description", "media"};

/* The card that a member is for: 0 for "title", 3 for "title3", -1 for no member of a card. */
static int
card_of(const JsonbValue *key)
{
	for (int i = 0; i < (int) lengthof(card_members); i++)
	{
		int len = (int) strlen(card_members[i]);
		int rest = key->val.string.len - len;

		if (rest < 0 || rest > 1 || memcmp(key->val.string.val, card_members[i], len) != 0)
			continue;
		if (rest == 0)
			return 0;
		if (key->val.string.val[len] >= '1' && key->val.string.val[len] <= '0' + RCS_MAX_CARDS)
			return key->val.string.val[len] - '0';
	}
	return -1;
}

int
rcs_body_cards(JsonbContainer *body)
{
	JsonbIterator *it = JsonbIteratorInit(body);
	JsonbIteratorToken token;
	JsonbValue v;
	int cards = 0;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		int card = token == WJB_KEY ? card_of(&v) : 0;

		if (card > 0 && JsonbIteratorNext(&it, &v, true) == WJB_VALUE && v.type != jbvNull)
			cards = Max(cards, card);
	}
	return cards;
}

/* ---------- cards ---------- */

static RcsMemberRule
card_rule(const char *member, int card, bool needed, int max, RcsStringForm form)
{
	RcsMemberRule rule = {.kind = RCS_IS_STRING, .required = needed, .max = max, .form = form};

	rule.name = card == 0 ? member : psprintf("%s%d", member, card);
	return rule;
}

/* Rules of all members of so many cards; 0: one card without numbers. */
static RcsMemberRule *
card_rules(const RcsServiceRule *service, int cards, bool strict)
{
	RcsMemberRule *rules = palloc0(sizeof(RcsMemberRule) * (3 * Max(cards, 1) + 1));
	int n = 0;

	for (int card = cards == 0 ? 0 : 1; card <= cards; card++)
	{
		bool first = card <= 1;

		rules[n++] = card_rule("title", card, false, RCS_TITLE_CHARACTERS, RCS_TEXT_FORM);
		rules[n] =
			card_rule("description", card, strict && first, service->description, RCS_TEXT_FORM);
		rules[n].min = strict && first ? 1 : 0;
		rules[n++].summed = true;
		rules[n] = card_rule("media", card, strict && service->media, 0, RCS_MEDIA_FORM);
		rules[n++].min = 1;
	}
	return rules;
}

static void
check_members(RcsCheck *c, JsonbContainer *body, const RcsMemberRule *members)
{
	RcsObjectRule rule = {members, NULL};

	rcs_check_object(c, "body", body, &rule);
}

/* False, and the fault, when body and layout do not have the same number of cards. */
static bool
count_cards(RcsCheck *c, const RcsServiceRule *service, const RcsLayoutRule *layout, int numbered)
{
	if (numbered == 1)
		rcs_complain(c, "body", "too_few", "has one numbered card, a carousel has 2 to %d",
					 RCS_MAX_CARDS);
	else if (layout != NULL && Max(numbered, 1) != layout->cards)
		rcs_complain(c, "body", numbered > layout->cards ? "too_many" : "too_few",
					 "has %d %s, but messagebase %s is for %d", Max(numbered, 1),
					 numbered > 1 ? "cards" : "card", layout->messagebase, layout->cards);
	else if (layout == NULL && numbered > 1 && !service->media && !service->chat)
		rcs_complain(c, "body", "too_many", "has %d cards, %s has one", numbered, service->name);
	else
		return true;
	return false;
}

/* Of the other cards each member may be left out, but not all of them. */
static void
check_empty_cards(RcsCheck *c, JsonbContainer *body, int cards)
{
	for (int card = 2; card <= cards; card++)
	{
		bool found = false;

		for (int i = 0; i < (int) lengthof(card_members); i++)
			found = found || rcs_member(body, psprintf("%s%d", card_members[i], card)) != NULL;
		if (!found)
			rcs_complain(c, "body", "missing", "card %d has neither title, description nor media",
						 card);
	}
}

/* A layout of the brand's own may have members that we do not know; cards keep their limits. */
static void
check_own_layout(RcsCheck *c, JsonbContainer *body, const RcsServiceRule *service)
{
	static const RcsMemberRule any = {.kind = RCS_IS_SCALAR, .form = RCS_TEXT_FORM};
	RcsMemberRule *single = card_rules(service, 0, false);
	RcsMemberRule *carousel = card_rules(service, RCS_MAX_CARDS, false);
	JsonbIterator *it = JsonbIteratorInit(body);
	JsonbIteratorToken token;
	JsonbValue key;
	JsonbValue value;

	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		const RcsMemberRule *rule;

		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&it, &value, true);
		rule = card_of(&key) > 0 ? carousel : single;
		while (rule->name != NULL && !rcs_is_word(&key, rule->name))
			rule++;
		if (value.type != jbvNull)
			rcs_check_value(c, rcs_member_path("body", key.val.string.val, key.val.string.len),
							&value, rule->name != NULL ? rule : &any);
	}
}

/* ---------- templates ---------- */

/* The variables of a template registered for the brand: scalars of any name. */
static void
check_variables(RcsCheck *c, JsonbContainer *body)
{
	static const RcsMemberRule variable = {.kind = RCS_IS_SCALAR,
										   .form = RCS_TEXT_FORM,
										   .summed = true};
	JsonbIterator *it = JsonbIteratorInit(body);
	JsonbIteratorToken token;
	JsonbValue key;
	JsonbValue value;

	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&it, &value, true);
		if (value.type != jbvNull)
			rcs_check_value(c, rcs_member_path("body", key.val.string.val, key.val.string.len),
							&value, &variable);
	}
}

/* ---------- the whole ---------- */

void
rcs_check_body(RcsCheck *c, JsonbContainer *message, const RcsServiceRule *service,
			   const RcsLayoutRule *layout, RcsSum *sum, int *cards)
{
	JsonbContainer *body = rcs_member_object(message, "body");
	bool own_layout = layout == NULL && rcs_member(message, "messagebaseId") != NULL;
	RcsTemplate *text;
	int numbered;
	int bytes;

	*cards = 0;
	if (body == NULL)
		return; /* check_object has complained */
	bytes = rcs_body_bytes(body, c->options->is_template, &text);
	if (bytes > RCS_BODY_BYTES)
		rcs_complain(c, "body", "too_long", "%d bytes as JSON, at most %d are allowed", bytes,
					 RCS_BODY_BYTES);
	sum->max = service->all_cards;
	sum->what =
		service->description == 0 ? "variables of the template" : "descriptions of all cards";
	numbered = rcs_body_cards(body);
	if (layout != NULL && layout->open)
		sum->max = service->description;
	else if (service->description > 0 && numbered == 0)
		sum->max = 0; /* the one card has its own limit */
	c->sum = sum;
	if (service->description == 0)
		check_variables(c, body);
	else if (own_layout)
		check_own_layout(c, body, service);
	else if (layout != NULL && layout->open)
	{
		*cards = 1;
		check_members(c, body, rcs_body_members);
	}
	else
	{
		if (count_cards(c, service, layout, numbered))
			*cards = Max(numbered, 1);
		check_members(c, body, card_rules(service, numbered, true));
		if (!service->media)
			check_empty_cards(c, body, numbered);
	}
	rcs_check_sum(c, sum, sum->least);
	c->sum = NULL;
}
