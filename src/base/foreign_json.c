/*
 * foreign_json.c
 *	  JSON from outside: read with PostgreSQL's parser, without raising.
 *
 * Size, encoding, depth and the length of numbers are checked before the parser sees the bytes, so that
 * no peer can exhaust memory or the stack.  Works outside a transaction.
 *
 * Must not know the sender or the meaning of the document.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "base/foreign_json.h"

#define MAX_DEPTH 32
#define MAX_DIGITS 100 /* of a number that is written out; nobody sends longer ones */

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

/* The length of a number that begins here.  What is no number is left to the parser. */
static size_t
number_len(const char *text, const char *end)
{
	const char *c = text;

	while (c < end && *c != '\0' && strchr("0123456789+-.eE", *c) != NULL)
		c++;
	return c - text;
}

/* 1e131071 takes 8 bytes here, and 131072 wherever it is written out. */
static bool
number_too_long(const char *text, size_t len)
{
	const char *e = memchr(text, 'e', len);
	int exponent = 0;

	if (len > MAX_DIGITS)
		return true;
	if (e == NULL)
		e = memchr(text, 'E', len);
	for (const char *c = e; c != NULL && c < text + len; c++)
		if (*c >= '0' && *c <= '9' && exponent <= MAX_DIGITS)
			exponent = exponent * 10 + *c - '0';
	return exponent > MAX_DIGITS;
}

/*
 * Asked of what is kept.  In an answer that is only read such a number does no harm, and an
 * acceptance must not be lost by it.
 */
static bool
has_long_number(const char *body, size_t len)
{
	const char *end = body + len;
	bool in_string = false;

	for (const char *c = body; c < end; c++)
	{
		if (in_string && *c == '\\')
			c++;
		else if (*c == '"')
			in_string = !in_string;
		else if (!in_string && (*c == '-' || (*c >= '0' && *c <= '9')))
		{
			size_t n = number_len(c, end);

			if (number_too_long(c, n))
				return true;
			c += n - 1;
		}
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
	return looks_sane(body, len, most, "{[") && !has_long_number(body, len) ? parse(body, len)
																			: NULL;
}

Jsonb *
rcs_foreign_value(const char *bytes, size_t len)
{
	return looks_sane(bytes, len, len, NULL) && !has_long_number(bytes, len) ? parse(bytes, len)
																			 : NULL;
}
