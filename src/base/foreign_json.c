/*
 * foreign_json.c
 *	  JSON from outside: read with PostgreSQL's parser, without raising.
 *
 * Size, encoding and depth are checked before the parser sees the bytes, so that
 * no peer can exhaust memory or the stack.  Works outside a transaction.
 *
 * Must not know the sender or the meaning of the document.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "base/foreign_json.h"

#define MAX_DEPTH 32

static char *
only_ascii(char *text)
{
	for (char *c = text; *c; c++)
		if (IS_HIGHBIT_SET(*c))
			*c = '?';
	return text;
}

/*
 * A conversion may need a transaction, or meet a character that the server's
 * encoding lacks.  The code is ASCII, so it must not be lost with the text.
 */
static char *
to_server(const char *body, size_t len)
{
	char *text = pnstrdup(body, len);
	MemoryContext caller = CurrentMemoryContext;
	char *volatile converted = NULL;

	if (GetDatabaseEncoding() == PG_UTF8)
		return text;
	PG_TRY();
	{
		converted = pg_any_to_server(text, (int) len, PG_UTF8);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		FlushErrorState();
	}
	PG_END_TRY();
	return converted != NULL ? converted : only_ascii(text);
}

static Jsonb *
parse(const char *body, size_t len)
{
	MemoryContext caller = CurrentMemoryContext;
	Jsonb *volatile parsed = NULL;

	PG_TRY();
	{
		parsed =
			DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(to_server(body, len))));
	}
	PG_CATCH();
	{
		/* the parser holds nothing but memory, so there is nothing to roll back */
		MemoryContextSwitchTo(caller);
		FlushErrorState();
		return NULL;
	}
	PG_END_TRY();
	return parsed;
}

static bool
too_deep(const char *body, size_t len)
{
	int depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++)
	{
		char c = body[i];

		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (in_string)
			continue;
		else if ((c == '{' || c == '[') && ++depth > MAX_DEPTH)
			return true;
		else if (c == '}' || c == ']')
			depth--;
	}
	return false;
}

static bool
looks_sane(const char *body, size_t len, size_t most, const char *openings)
{
	size_t start = 0;

	if (len > most)
		return false;
	while (start < len && strchr(" \t\r\n", body[start]) != NULL && body[start] != '\0')
		start++;
	return start < len && body[start] != '\0' &&
		   (openings == NULL || strchr(openings, body[start]) != NULL) && !too_deep(body, len) &&
		   pg_verify_mbstr(PG_UTF8, body, (int) len, true); /* refuses NUL, too */
}

JsonbContainer *
rcs_foreign_json(const char *body, size_t len)
{
	Jsonb *parsed = looks_sane(body, len, RCS_FOREIGN_JSON_MAX, "{") ? parse(body, len) : NULL;

	return parsed != NULL && JB_ROOT_IS_OBJECT(parsed) ? &parsed->root : NULL;
}

Jsonb *
rcs_foreign_document(const char *body, size_t len, size_t most)
{
	return looks_sane(body, len, most, "{[") ? parse(body, len) : NULL;
}

Jsonb *
rcs_foreign_value(const char *bytes, size_t len)
{
	return looks_sane(bytes, len, len, NULL) ? parse(bytes, len) : NULL;
}
