/*
 * template.c
 *		Message templates: jsonb with #{name} in its strings, compiled once and
 *		rendered many times.
 *
 * A template is kept as the JSON text around its placeholders, escaped when it
 * was compiled, and the places where values go.  To render is to copy bytes:
 * values are escaped and never read again as a template, so that no value can
 * add a placeholder, a key or a quote.
 *
 * Text stays in the encoding of the database; JSON's special characters are
 * ASCII in all of them.  This file must not know the rules of messages.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "message/template.h"

/* A longer name is a mistake: it is never looked up, and so reported missing. */
#define MAX_NAME 63

typedef struct TemplateParam
{
	int at; /* where in the text its value goes */
	int name_len;
	char *name;
} TemplateParam;

struct RcsTemplate
{
	bool plain; /* one string, not escaped */
	StringInfoData text;
	int nparams;
	int max_params;
	TemplateParam *params;
};

/* ---------- writing ---------- */

void
rcs_template_escape(StringInfo out, const char *str, int len)
{
	static const char short_form[] = "\bb\tt\nn\ff\rr\"\"\\\\";
	int plain = 0;

	for (int i = 0; i < len; i++)
	{
		unsigned char c = str[i];
		const char *pair;

		if (likely(c >= ' ' && c != '"' && c != '\\'))
			continue;

		appendBinaryStringInfo(out, str + plain, i - plain);
		plain = i + 1;
		for (pair = short_form; *pair != '\0' && pair[0] != str[i]; pair += 2)
			;
		if (*pair != '\0')
			appendStringInfo(out, "\\%c", pair[1]);
		else
			appendStringInfo(out, "\\u%04x", c);
	}
	appendBinaryStringInfo(out, str + plain, len - plain);
}

static void
append_text(StringInfo out, const char *str, int len, bool plain)
{
	if (plain)
		appendBinaryStringInfo(out, str, len);
	else
		rcs_template_escape(out, str, len);
}

static void
append_numeric(StringInfo out, Numeric number)
{
	char *digits = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(number)));

	appendStringInfoString(out, digits);
	pfree(digits);
}

/* The text of a value that has one: objects, arrays and null do not. */
static bool
append_value(StringInfo out, const JsonbValue *value, bool plain)
{
	if (value->type == jbvString)
		append_text(out, value->val.string.val, value->val.string.len, plain);
	else if (value->type == jbvNumeric)
		append_numeric(out, value->val.numeric);
	else if (value->type == jbvBool)
		appendStringInfoString(out, value->val.boolean ? "true" : "false");
	else
		return false;
	return true;
}

/* ---------- compiling ---------- */

/* How long the placeholder is that starts here, or 0 if none does. */
static int
placeholder_length(const char *str, int len)
{
	bool blank = true;

	if (len < 2 || str[1] != '{')
		return 0;
	for (int i = 2; i < len; i++)
	{
		unsigned char c = str[i];

		if (c == '}')
			return blank ? 0 : i + 1;
		if (c < ' ' || c == 0x7F)
			return 0;
		blank = blank && c == ' ';
	}
	return 0;
}

static void
add_param(RcsTemplate *t, const char *str, int len)
{
	TemplateParam *param;
	const char *start = str + 2;
	const char *end = str + len - 1;

	while (*start == ' ')
		start++;
	while (end[-1] == ' ')
		end--;

	if (t->nparams == t->max_params)
	{
		t->max_params = Max(8, t->max_params * 2);
		t->params = t->params == NULL ? palloc(t->max_params * sizeof(TemplateParam))
									  : repalloc(t->params, t->max_params * sizeof(TemplateParam));
	}
	param = &t->params[t->nparams++];
	param->at = t->text.len;
	param->name_len = end - start;
	param->name = pnstrdup(start, end - start);
}

/* "##{" gives the text "#{", "#{name}" a placeholder, all the rest itself. */
static void
append_template_string(RcsTemplate *t, const char *str, int len)
{
	int plain = 0;
	int i = 0;

	while (i < len)
	{
		const char *hash = memchr(str + i, '#', len - i);
		int length;

		if (hash == NULL)
			break;
		i = hash - str;
		if (len - i >= 3 && memcmp(hash, "##{", 3) == 0)
		{
			append_text(&t->text, str + plain, i - plain, t->plain);
			plain = i + 1;
			i += 3;
		}
		else if ((length = placeholder_length(hash, len - i)) > 0)
		{
			append_text(&t->text, str + plain, i - plain, t->plain);
			add_param(t, hash, length);
			i += length;
			plain = i;
		}
		else
			i++;
	}
	append_text(&t->text, str + plain, len - plain, t->plain);
}

static void
append_scalar(RcsTemplate *t, const JsonbValue *value, bool allow_params)
{
	if (value->type == jbvNull)
		appendStringInfoString(&t->text, "null");
	else if (value->type != jbvString)
		append_value(&t->text, value, false);
	else
	{
		appendStringInfoChar(&t->text, '"');
		if (allow_params)
			append_template_string(t, value->val.string.val, value->val.string.len);
		else
			append_value(&t->text, value, false);
		appendStringInfoChar(&t->text, '"');
	}
}

static void
append_json(RcsTemplate *t, JsonbContainer *json, bool allow_params)
{
	JsonbIterator *it = JsonbIteratorInit(json);
	bool bare_scalar = JsonContainerIsScalar(json);
	bool comma = false;
	JsonbIteratorToken token;
	JsonbValue value;

	while ((token = JsonbIteratorNext(&it, &value, false)) != WJB_DONE)
	{
		bool opens = token == WJB_BEGIN_ARRAY || token == WJB_BEGIN_OBJECT;
		bool closes = token == WJB_END_ARRAY || token == WJB_END_OBJECT;

		/* jsonb stores a bare scalar as an array of one. */
		if (bare_scalar && (opens || closes))
			continue;

		if (comma && !closes)
			appendStringInfoChar(&t->text, ',');
		comma = !opens && token != WJB_KEY;

		if (opens)
			appendStringInfoChar(&t->text, token == WJB_BEGIN_ARRAY ? '[' : '{');
		else if (closes)
			appendStringInfoChar(&t->text, token == WJB_END_ARRAY ? ']' : '}');
		else
			append_scalar(t, &value, allow_params && token != WJB_KEY);
		if (token == WJB_KEY)
			appendStringInfoChar(&t->text, ':');
	}
}

RcsTemplate *
rcs_template_compile(JsonbContainer *json, bool allow_params)
{
	RcsTemplate *t = palloc0(sizeof(RcsTemplate));

	initStringInfo(&t->text);
	append_json(t, json, allow_params);
	return t;
}

RcsTemplate *
rcs_template_compile_text(const char *str, int len)
{
	RcsTemplate *t = palloc0(sizeof(RcsTemplate));

	initStringInfo(&t->text);
	t->plain = true;
	append_template_string(t, str, len);
	return t;
}

const char *
rcs_template_literal(const RcsTemplate *t, int *len)
{
	*len = t->text.len;
	return t->text.data;
}

int
rcs_template_param_count(const RcsTemplate *t)
{
	return t->nparams;
}

/* ---------- the values of placeholders ---------- */

/* A key of an object, or an element of an array by its number from 0. */
static JsonbValue *
find_member(JsonbContainer *json, const char *name, int len, JsonbValue *space)
{
	if (JsonContainerIsObject(json))
		return getKeyJsonValueFromContainer(json, name, len, space);

	/* Nine digits always fit the index. */
	if (JsonContainerIsScalar(json) || len == 0 || len > 9 ||
		(int) strspn(name, "0123456789") < len)
		return NULL;
	return getIthJsonbValueFromContainer(json, strtoul(name, NULL, 10));
}

static JsonbValue *
find_path(const TemplateParam *param, JsonbContainer *params, JsonbValue *space)
{
	JsonbContainer *json = params;
	const char *name = param->name;

	for (;;)
	{
		size_t len = strcspn(name, ".");
		JsonbValue *value = find_member(json, name, len, space);

		if (value == NULL || name[len] == '\0')
			return value;
		if (value->type != jbvBinary)
			return NULL;
		json = value->val.binary.data;
		name += len + 1;
	}
}

/* The name as it stands comes first, so that a key with a dot can be reached. */
static JsonbValue *
find_value(const TemplateParam *param, JsonbContainer *params, JsonbValue *space)
{
	JsonbValue *value;

	if (params == NULL || param->name_len > MAX_NAME)
		return NULL;
	value = find_member(params, param->name, param->name_len, space);
	if (value == NULL && strchr(param->name, '.') != NULL)
		value = find_path(param, params, space);
	return value;
}

static bool
append_param(const RcsTemplate *t, const TemplateParam *param, JsonbContainer *params,
			 StringInfo out)
{
	JsonbValue space;
	JsonbValue *value = find_value(param, params, &space);

	return value != NULL && append_value(out, value, t->plain);
}

/* ---------- rendering ---------- */

/* A name that no placeholder has: "#" begins none. */
const char rcs_template_too_long[] = "#";

/* A few placeholders and a long value make a text of any length, so it stops early. */
const char *
rcs_template_render(const RcsTemplate *t, JsonbContainer *params, StringInfo out)
{
	int begin = out->len;
	int done = 0;

	for (int i = 0; i < t->nparams; i++)
	{
		const TemplateParam *param = &t->params[i];

		if (out->len - begin > RCS_TEMPLATE_MOST)
			return rcs_template_too_long;
		appendBinaryStringInfo(out, t->text.data + done, param->at - done);
		done = param->at;
		if (!append_param(t, param, params, out))
			return param->name;
	}
	appendBinaryStringInfo(out, t->text.data + done, t->text.len - done);
	return NULL;
}

static bool
name_listed(List *names, const char *name)
{
	ListCell *lc;

	foreach(lc, names)
		if (strcmp(lfirst(lc), name) == 0)
			return true;
	return false;
}

List *
rcs_template_missing(const RcsTemplate *t, JsonbContainer *params)
{
	List *names = NIL;
	StringInfoData ignored;

	initStringInfo(&ignored);
	for (int i = 0; i < t->nparams; i++)
	{
		const TemplateParam *param = &t->params[i];

		resetStringInfo(&ignored);
		if (!append_param(t, param, params, &ignored) && !name_listed(names, param->name))
			names = lappend(names, param->name);
	}
	pfree(ignored.data);
	return names;
}
