/*
 * foreign_split.c
 *	  The elements of a list from outside as runs of bytes, also when some of them are no
 *	  JSON: one that cannot be read must not cost the others.
 *
 * Only brackets, quotes, backslashes, commas and colons are looked at.  That is right for
 * UTF-8 and for EUC-KR (and what Windows makes of it), broken or not, because none of
 * them is a part of a longer character there.  Every byte is passed once, without
 * recursion, so a peer cannot choose bytes that cost more than others.
 *
 * Must not know what the elements mean.
 */
#include "postgres.h"

#include "base/foreign_split.h"

/* A zero byte where nothing belongs is filling. */
static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0';
}

static bool
starts_with(RcsBytes b, char c)
{
	return b.at < b.end && *b.at == c;
}

static void
skip_blanks(RcsBytes *b)
{
	while (b->at < b->end && is_blank(*b->at))
		b->at++;
}

/* Blanks may stand before it. */
static bool
take(RcsBytes *b, char c)
{
	skip_blanks(b);
	if (!starts_with(*b, c))
		return false;
	b->at++;
	return true;
}

static bool
take_string(RcsBytes *b)
{
	for (const char *c = b->at + 1; c < b->end; c++)
	{
		if (*c == '\\')
			c++;
		else if (*c == '"')
		{
			b->at = c + 1;
			return true;
		}
	}
	return false;
}

/* Which bracket closes which is left to the reader of the element. */
static bool
take_nested(RcsBytes *b)
{
	int64 depth = 0;
	RcsBytes rest = *b;

	while (rest.at < rest.end)
	{
		char c = *rest.at;

		if (c == '"')
		{
			if (!take_string(&rest))
				return false;
			continue;
		}
		rest.at++;
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && --depth == 0)
		{
			*b = rest;
			return true;
		}
	}
	return false;
}

/* A number or a word, or what somebody took for one.  It ends where something follows. */
static bool
take_word(RcsBytes *b)
{
	const char *c = b->at;

	while (c < b->end && !is_blank(*c) && strchr(",:[]{}\"", *c) == NULL)
		c++;
	if (c == b->at || c == b->end)
		return false;
	b->at = c;
	return true;
}

/* Any value.  False: it has no end, or none begins here; nothing but blanks is taken. */
static bool
take_value(RcsBytes *b, RcsBytes *value)
{
	bool whole;

	skip_blanks(b);
	value->at = b->at;
	if (starts_with(*b, '"'))
		whole = take_string(b);
	else if (starts_with(*b, '{') || starts_with(*b, '['))
		whole = take_nested(b);
	else
		whole = take_word(b);
	value->end = whole ? b->at : b->end;
	return whole;
}

static bool
is_name(RcsBytes key, const char *name)
{
	size_t len = strlen(name);

	return key.end - key.at == len + 2 && memcmp(key.at + 1, name, len) == 0;
}

static bool
ends(RcsBytes rest)
{
	skip_blanks(&rest);
	return rest.at == rest.end;
}

bool
rcs_split_member(RcsBytes object, const char *name, RcsBytes *value)
{
	RcsBytes b = object;

	*value = (RcsBytes){NULL, NULL};
	if (!take(&b, '{'))
		return false;
	if (take(&b, '}'))
		return ends(b);
	do
	{
		RcsBytes key;
		RcsBytes found;
		bool whole;

		skip_blanks(&b);
		if (!starts_with(b, '"') || !take_value(&b, &key) || !take(&b, ':'))
			return false;
		whole = take_value(&b, &found);
		if (is_name(key, name))
			*value = found;
		if (!whole)
			return false;
	} while (take(&b, ','));
	return take(&b, '}') && ends(b);
}

bool
rcs_split_begin(RcsElements *e, RcsBytes bytes, const char *name)
{
	RcsBytes value;

	*e = (RcsElements){.rest = bytes};
	if (take(&e->rest, '['))
		return true;
	if (!starts_with(e->rest, '{'))
		return false;
	e->cut = !rcs_split_member(bytes, name, &value);
	e->named = value.at != NULL && (starts_with(value, '[') || starts_with(value, '{'));
	if (e->named)
		e->rest = value;
	else if (e->cut)
		return false;
	e->lone = !take(&e->rest, '[');
	return true;
}

static bool
finish(RcsElements *e, bool whole)
{
	e->over = true;
	e->cut = e->cut || !whole;
	return false;
}

bool
rcs_split_next(RcsElements *e, RcsBytes *element)
{
	RcsBytes rest = e->rest;
	bool goes_on;

	if (e->over)
		return false;
	if (e->lone)
	{
		*element = rest;
		e->n++;
		e->over = true;
		return true;
	}
	if (take(&rest, ']'))
		return finish(e, ends(rest));
	goes_on = e->n == 0 || take(&rest, ',');
	if (ends(rest) || take(&rest, ']'))
		return finish(e, false);
	if (goes_on && take_value(&rest, element))
		e->rest = rest;
	else
	{
		*element = rest;
		(void) finish(e, false);
	}
	e->n++;
	return true;
}
