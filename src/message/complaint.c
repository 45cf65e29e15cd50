/*
 * complaint.c
 *		The ground of the check of a message: faults, and the paths they name.
 *
 * This file must not know the rules.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/numeric.h"

#include "message/complaint.h"
#include "message/template.h"

#define PLAIN_NAME "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

void
rcs_complain(RcsCheck *c, const char *path, const char *code, const char *fmt, ...)
{
	RcsFault *f = palloc(sizeof(RcsFault));
	StringInfoData problem;

	initStringInfo(&problem);
	for (;;)
	{
		va_list args;
		int needed;

		va_start(args, fmt);
		needed = appendStringInfoVA(&problem, fmt, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&problem, needed);
	}
	f->path = pstrdup(path);
	f->code = code;
	f->problem = problem.data;
	c->faults = lappend(c->faults, f);
}

/* A name that could be mistaken for part of the path is quoted. */
const char *
rcs_member_path(const char *path, const char *name, int len)
{
	StringInfoData s;
	int plain = 0;

	while (plain < len && name[plain] != '\0' && strchr(PLAIN_NAME, name[plain]) != NULL)
		plain++;
	initStringInfo(&s);
	if (path[0] != '\0')
		appendStringInfo(&s, "%s.", path);
	if (len > 0 && plain == len)
		appendBinaryStringInfo(&s, name, len);
	else
	{
		appendStringInfoChar(&s, '"');
		rcs_template_escape(&s, name, len);
		appendStringInfoChar(&s, '"');
	}
	return s.data;
}

/* True, and the value, for a whole number of ordinary size.  "2.0" is sent as it is, and is none. */
bool
rcs_whole_number(const JsonbValue *v, int *n)
{
	char *text = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(v->val.numeric)));
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (*end != '\0' || errno != 0 || value < -1000000000 || value > 1000000000)
		return false;
	*n = (int) value;
	return true;
}

void
rcs_check_sum(RcsCheck *c, const RcsSum *sum, int total)
{
	if (sum->max > 0 && total > sum->max)
		rcs_complain(c, "body", "too_long", "%s: %d characters together, at most %d are allowed",
					 sum->what, total, sum->max);
}
