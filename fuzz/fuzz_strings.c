/*
 * fuzz_strings.c
 *		Each string of an input alone, through everything that judges a string.
 *
 * Whether it is right is not asked here, only that nothing is read which is not
 * its own.
 */
#include "postgres.h"

#include "message/value.h"
#include "fuzz_strings.h"

#define STRINGS_TRIED 60
#define LONGEST_TRIED 5000

/* In a message other bytes follow a string; here nothing does, so that reading on is noticed. */
static void
try_string(const char *str, int len, const RcsFacts *facts, bool is_template)
{
	static const RcsStringForm forms[] = {RCS_ANY_FORM,	 RCS_TEXT_FORM, RCS_AD_FORM,
										  RCS_URL_FORM,	 RCS_TIME_FORM, RCS_OPT_OUT_FORM,
										  RCS_MEDIA_FORM};
	static const RcsLengthUnit units[] = {RCS_IN_CHARACTERS, RCS_IN_BYTES, RCS_IN_CP949};
	RcsCheckOptions options = {.facts = facts, .is_template = is_template};
	RcsCheck c = {.options = &options, .opt_out = facts->footer};
	RcsMemberRule rule = {.name = "x", .kind = RCS_IS_STRING, .min = 1};
	JsonbValue v = {.type = jbvString};

	v.val.string.val = palloc(len);
	v.val.string.len = len;
	memcpy(v.val.string.val, str, len);
	for (int i = 0; i < (int) lengthof(forms) * (int) lengthof(units); i++)
	{
		rule.form = forms[i % lengthof(forms)];
		rule.unit = units[i / lengthof(forms)];
		rcs_check_value(&c, "x", &v, &rule);
	}
	rule.max = 9;
	rule.kind = RCS_IS_NUMBER;
	rcs_check_value(&c, "x", &v, &rule);
	rule.kind = RCS_IS_DIGITS;
	rcs_check_value(&c, "x", &v, &rule);
	(void) rcs_member_path("", v.val.string.val, len);
	(void) rcs_service_rule(v.val.string.val, len);
	(void) rcs_layout_rule(v.val.string.val, len);
}

void
fuzz_strings(Jsonb *message, const RcsFacts *facts)
{
	JsonbIterator *it = JsonbIteratorInit(&message->root);
	JsonbIteratorToken token;
	JsonbValue v;
	int n = 0;

	while ((token = JsonbIteratorNext(&it, &v, false)) != WJB_DONE && n < STRINGS_TRIED)
	{
		if ((token == WJB_KEY || token == WJB_VALUE || token == WJB_ELEM) && v.type == jbvString &&
			v.val.string.len <= LONGEST_TRIED)
			try_string(v.val.string.val, v.val.string.len, facts, n++ % 2 == 0);
	}
}
