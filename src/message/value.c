/*
 * value.c
 *		Checks values and objects of a message by the tables of schema.c.
 *
 * The depth is bounded by the tables: an object that no table names is not
 * entered.  This file must not know which rules hold between members.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/numeric.h"

#include "base/jsonb_members.h"
#include "message/form.h"
#include "message/string.h"
#include "message/value.h"

/* ---------- values ---------- */

static const char *
type_name(const JsonbValue *v)
{
	switch (v->type)
	{
		case jbvNull:
			return "null";
		case jbvString:
			return "a string";
		case jbvNumeric:
			return "a number";
		case jbvBool:
			return "a boolean";
		default:
			return JsonContainerIsArray(v->val.binary.data) ? "an array" : "an object";
	}
}

static void
wrong_type(RcsCheck *c, const char *path, const JsonbValue *v, const char *wanted)
{
	rcs_complain(c, path, "type", "is %s, not %s", type_name(v), wanted);
}

static void
check_integer(RcsCheck *c, const char *path, const JsonbValue *v, const RcsMemberRule *rule)
{
	int n;

	if (v->type != jbvNumeric)
		wrong_type(c, path, v, "a number");
	else if (!rcs_whole_number(v, &n) || n < rule->min || n > rule->max)
		rcs_complain(c, path, "value", "is not a whole number from %d to %d", rule->min, rule->max);
}

static bool
is_number_text(const char *s, int len)
{
	int digits = 0;
	int i = 0;

	if (i < len && (s[i] == '-' || s[i] == '+'))
		i++;
	while (i < len && s[i] >= '0' && s[i] <= '9')
		i++, digits++;
	if (i < len && s[i] == '.')
		i++;
	while (i < len && s[i] >= '0' && s[i] <= '9')
		i++, digits++;
	return i == len && digits > 0;
}

static void
check_number(RcsCheck *c, const char *path, const JsonbValue *v, const RcsMemberRule *rule)
{
	RcsTemplate *text;

	if (v->type == jbvNumeric)
		return;
	if (v->type != jbvString)
	{
		wrong_type(c, path, v, "a number");
		return;
	}
	if (is_number_text(v->val.string.val, v->val.string.len))
		return;
	text = rcs_template_compile_text(v->val.string.val, v->val.string.len);
	if (!c->options->is_template || rcs_template_param_count(text) == 0)
		rcs_complain(c, path, "format", "is not a number");
	else if (c->form != NULL)
		rcs_form_add(c->form, path, rule, text, NULL);
}

static void
check_digits(RcsCheck *c, const char *path, const JsonbValue *v, const RcsMemberRule *rule)
{
	int n;

	if (v->type == jbvNumeric)
	{
		if (!rcs_whole_number(v, &n) || n < 0 || n > 999999999)
			rcs_complain(c, path, "value", "is not a number of at most %d digits", rule->max);
	}
	else if (v->type != jbvString)
		wrong_type(c, path, v, "a number");
	else if (v->val.string.len == 0 || v->val.string.len > rule->max ||
			 (int) strspn(pnstrdup(v->val.string.val, v->val.string.len), "0123456789") <
				 v->val.string.len)
		rcs_complain(c, path, "format", "is not a number of at most %d digits", rule->max);
}

/* Of a string with placeholders, only the faults that no value of them can mend. */
static void
check_open_text(RcsCheck *c, const char *path, const RcsMemberRule *rule, RcsTemplate *text)
{
	int len;
	const char *literal = rcs_template_literal(text, &len);
	int bad_at;
	int least = rcs_measure(literal, len, rule->unit, &bad_at);

	if (rule->words != NULL || rule->fixed)
		rcs_complain(c, path, "value", "cannot be a placeholder");
	else if (least < 0)
		rcs_complain(c, path, "encoding", "has a character that CP949 does not have");
	else if (rule->max > 0 && least > rule->max)
		rcs_complain(c, path, "too_long", "%d %s without its placeholders, at most %d are allowed",
					 least, rcs_unit_name(rule->unit, least), rule->max);
	if (rule->summed && c->sum != NULL)
		c->sum->least += rcs_measure(literal, len, RCS_IN_CHARACTERS, &bad_at);
	if (c->form != NULL)
		rcs_form_add(c->form, path, rule, text, rule->summed ? c->sum : NULL);
}

static void
check_string(RcsCheck *c, const char *path, const JsonbValue *v, const RcsMemberRule *rule)
{
	RcsTemplate *text;
	const char *literal;
	int len;

	if (v->type != jbvString)
	{
		wrong_type(c, path, v, "a string");
		return;
	}
	if (!c->options->is_template || memchr(v->val.string.val, '#', v->val.string.len) == NULL)
	{
		rcs_check_text(c, path, rule, v->val.string.val, v->val.string.len);
		return;
	}
	text = rcs_template_compile_text(v->val.string.val, v->val.string.len);
	literal = rcs_template_literal(text, &len);
	if (rcs_template_param_count(text) > 0)
		check_open_text(c, path, rule, text);
	else
		rcs_check_text(c, path, rule, literal, len);
}

static void
check_scalar(RcsCheck *c, const char *path, const JsonbValue *v, const RcsMemberRule *rule)
{
	const char *text;

	if (v->type == jbvNumeric)
		text = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(v->val.numeric)));
	else if (v->type == jbvBool)
		text = v->val.boolean ? "true" : "false";
	else
	{
		check_string(c, path, v, rule);
		return;
	}
	rcs_check_text(c, path, rule, text, (int) strlen(text));
}

static void
check_list(RcsCheck *c, const char *path, const JsonbValue *v, const RcsMemberRule *rule)
{
	JsonbContainer *list = v->val.binary.data;
	int n;

	if (v->type != jbvBinary || !JsonContainerIsArray(list))
	{
		wrong_type(c, path, v, "an array");
		return;
	}
	n = (int) JsonContainerSize(list);
	if (n < rule->min)
		rcs_complain(c, path, "too_few", "is empty");
	if (rule->max > 0 && n > rule->max)
		rcs_complain(c, path, "too_many", "%d elements, at most %d are allowed", n, rule->max);
	for (int i = 0; i < n; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(list, i);
		const char *at = psprintf("%s[%d]", path, i);

		if (element->type != jbvBinary || !JsonContainerIsObject(element->val.binary.data))
			wrong_type(c, at, element, "an object");
		else
			rcs_check_object(c, at, element->val.binary.data, rule->object);
	}
}

void
rcs_check_value(RcsCheck *c, const char *path, JsonbValue *v, const RcsMemberRule *rule)
{
	switch (rule->kind)
	{
		case RCS_IS_STRING:
			check_string(c, path, v, rule);
			break;
		case RCS_IS_SCALAR:
			check_scalar(c, path, v, rule);
			break;
		case RCS_IS_BOOL:
			if (v->type != jbvBool)
				wrong_type(c, path, v, "a boolean");
			break;
		case RCS_IS_INTEGER:
			check_integer(c, path, v, rule);
			break;
		case RCS_IS_NUMBER:
			check_number(c, path, v, rule);
			break;
		case RCS_IS_DIGITS:
			check_digits(c, path, v, rule);
			break;
		case RCS_IS_LIST:
			check_list(c, path, v, rule);
			break;
		case RCS_IS_OBJECT:
			if (v->type != jbvBinary || !JsonContainerIsObject(v->val.binary.data))
				wrong_type(c, path, v, "an object");
			else if (rule->object != NULL)
				rcs_check_object(c, path, v->val.binary.data, rule->object);
			break;
	}
}

/* ---------- objects ---------- */

static void
check_choice(RcsCheck *c, const char *path, JsonbContainer *object, const RcsChoiceRule *choice)
{
	StringInfoData names;
	int found = 0;

	initStringInfo(&names);
	for (int i = 0; choice->names[i] != NULL; i++)
	{
		found += rcs_member(object, choice->names[i]) != NULL;
		appendStringInfo(&names, "%s%s", i > 0 ? ", " : "", choice->names[i]);
	}
	if (found > 1)
		rcs_complain(c, path, "conflict", "has %d of these, of which one is allowed: %s", found,
					 names.data);
	else if (found == 0 && choice->required)
		rcs_complain(c, path, "missing", "needs one of these: %s", names.data);
}

static void
check_unknown(RcsCheck *c, const char *path, JsonbContainer *object, const RcsMemberRule *members)
{
	JsonbIterator *it = JsonbIteratorInit(object);
	JsonbIteratorToken token;
	JsonbValue v;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		const RcsMemberRule *m = members;

		if (token != WJB_KEY)
			continue;
		while (m->name != NULL && !rcs_is_word(&v, m->name))
			m++;
		if (m->name == NULL)
			rcs_complain(c, rcs_member_path(path, v.val.string.val, v.val.string.len), "unknown",
						 "is no member of this object");
	}
}

void
rcs_check_object(RcsCheck *c, const char *path, JsonbContainer *object, const RcsObjectRule *rule)
{
	for (const RcsMemberRule *m = rule->members; m->name != NULL; m++)
	{
		const char *at = rcs_member_path(path, m->name, (int) strlen(m->name));
		JsonbValue *v = rcs_member(object, m->name);

		if (v != NULL)
			rcs_check_value(c, at, v, m);
		else if (m->required)
			rcs_complain(c, at, "missing", "is missing");
	}
	for (const RcsChoiceRule *choice = rule->choices; choice && choice->names[0] != NULL; choice++)
		check_choice(c, path, object, choice);
	check_unknown(c, path, object, rule->members);
}
