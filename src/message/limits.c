/*
 * limits.c
 *		How much a caller may give with a message.
 *
 * A worker holds a whole batch in memory, so each part of a message needs a
 * bound.  Those of KT are in the rules; these are ours, for what KT never sees.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "message/limits.h"

const char *
rcs_params_fault(const Jsonb *params)
{
	if (params == NULL || VARSIZE(params) <= RCS_MOST_PARAMS)
		return NULL;
	return psprintf("params has %d bytes, at most %d are allowed", (int) VARSIZE(params),
					RCS_MOST_PARAMS);
}

static const char *
label_fault(const char *what, const char *value, int len)
{
	int chars;

	if (len <= RCS_MOST_CHARS)
		return NULL;
	chars = pg_mbstrlen_with_len(value, len);
	if (chars <= RCS_MOST_CHARS)
		return NULL;
	return psprintf("%s has %d characters, at most %d are allowed", what, chars, RCS_MOST_CHARS);
}

const char *
rcs_ref_fault(const text *ref)
{
	return ref ? label_fault("ref", VARDATA_ANY(ref), (int) VARSIZE_ANY_EXHDR(ref)) : NULL;
}

void
rcs_check_label(const char *what, const char *value)
{
	const char *fault = value ? label_fault(what, value, (int) strlen(value)) : NULL;

	if (fault != NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s", fault)));
}
