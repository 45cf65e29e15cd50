/*
 * foreign_mend.c
 *	  Makes text of bytes that were meant as JSON and are not.
 *
 * Only for those that somebody keeps as they came: what is replaced here is lost, and which
 * encoding was meant only people can tell.
 *
 * Time and memory grow with the length and with nothing else.  Never raises because of
 * the bytes.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "base/foreign_mend.h"

#define PIECE 4096	   /* bytes converted at once */
#define LONGEST_CHAR 8 /* no encoding has a longer one */

static const char *
replacement(void)
{
	return GetDatabaseEncoding() == PG_UTF8 ? "\xef\xbf\xbd" : "?";
}

/* ---------- characters ---------- */

/* Takes one byte that is no character. */
static void
replace_byte(RcsMended *m, StringInfo to, RcsBytes *b)
{
	appendStringInfoString(to, replacement());
	m->bytes++;
	b->at++;
}

static void
from_utf8(RcsMended *m, StringInfo to, RcsBytes b)
{
	while (b.at < b.end)
	{
		int len = 1;

		/* a zero is dealt with where one knows whether it stands in a string */
		if (*b.at != '\0')
			len = pg_encoding_verifymbchar(PG_UTF8, b.at, (int) Min(b.end - b.at, LONGEST_CHAR));
		if (len < 1)
			replace_byte(m, to, &b);
		else
		{
			appendBinaryStringInfo(to, b.at, len);
			b.at += len;
		}
	}
}

static void
from_other(RcsMended *m, StringInfo to, RcsBytes b, int encoding, Oid conversion)
{
	unsigned char converted[PIECE * MAX_CONVERSION_GROWTH + 1];

	while (b.at < b.end)
	{
		int n;

		CHECK_FOR_INTERRUPTS();
		/* the conversion takes a zero for the end */
		if (*b.at == '\0')
		{
			appendStringInfoChar(to, *b.at++);
			continue;
		}
		n = pg_do_encoding_conversion_buf(conversion, encoding, PG_UTF8, (unsigned char *) b.at,
										  (int) Min(b.end - b.at, PIECE), converted,
										  sizeof(converted), true);
		if (n == 0)
		{
			replace_byte(m, to, &b);
			continue;
		}
		appendStringInfoString(to, (char *) converted);
		b.at += n;
	}
}

/* ---------- escapes ---------- */

/* The number of \uXXXX; -1: there is no such thing here. */
static int
unicode_escape(RcsBytes b)
{
	int code = 0;

	if (b.end - b.at < 6 || b.at[0] != '\\' || b.at[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++)
	{
		char c = b.at[i];
		int digit = c >= '0' && c <= '9'   ? c - '0'
					: c >= 'a' && c <= 'f' ? c - 'a' + 10
					: c >= 'A' && c <= 'F' ? c - 'A' + 10
										   : -1;

		if (digit < 0)
			return -1;
		code = code << 4 | digit;
	}
	return code;
}

static bool
is_surrogate(int code, int first)
{
	return code >= first && code < first + 0x400;
}

static void
mend_unicode(RcsMended *m, RcsBytes *b, int code)
{
	RcsBytes next = {b->at + 6, b->end};
	int len = 6;

	if (is_surrogate(code, 0xD800) && is_surrogate(unicode_escape(next), 0xDC00))
		len = 12;
	else if (code == 0 || (code >= 0xD800 && code <= 0xDFFF))
		len = 0;
	if (len == 0)
	{
		appendStringInfoString(&m->text, replacement());
		m->escapes++;
		len = 6;
	}
	else
		appendBinaryStringInfo(&m->text, b->at, len);
	b->at += len;
}

/* A backslash that begins no escape was meant as one; it is also how a won sign comes. */
static void
mend_escape(RcsMended *m, RcsBytes *b)
{
	int code = unicode_escape(*b);

	if (code >= 0)
		mend_unicode(m, b, code);
	else if (b->end - b->at > 1 && b->at[1] != '\0' && strchr("\"\\/bfnrt", b->at[1]) != NULL)
	{
		appendBinaryStringInfo(&m->text, b->at, 2);
		b->at += 2;
	}
	else
	{
		appendStringInfoString(&m->text, "\\\\");
		b->at++;
	}
}

/* A character that may stand in no string as it is. */
static void
mend_control(RcsMended *m, RcsBytes *b)
{
	if (*b->at == '\0')
	{
		appendStringInfoString(&m->text, replacement());
		m->escapes++;
	}
	else
		appendStringInfo(&m->text, "\\u%04x", (unsigned char) *b->at);
	b->at++;
}

static void
mend_strings(RcsMended *m, RcsBytes b)
{
	bool in_string = false;

	while (b.at < b.end)
	{
		char c = *b.at;

		if (in_string && c == '\\')
			mend_escape(m, &b);
		else if (in_string && (unsigned char) c < ' ')
			mend_control(m, &b);
		else
		{
			if (c == '"')
				in_string = !in_string;
			appendStringInfoChar(&m->text, c == '\0' ? ' ' : c);
			b.at++;
		}
	}
}

void
rcs_mend(RcsMended *m, RcsBytes bytes, int encoding)
{
	Oid conversion =
		encoding == PG_UTF8 ? InvalidOid : FindDefaultConversionProc(encoding, PG_UTF8);
	StringInfoData characters;

	*m = (RcsMended){.bytes = 0};
	initStringInfo(&m->text);
	initStringInfo(&characters);
	if (OidIsValid(conversion))
		from_other(m, &characters, bytes, encoding, conversion);
	else
		from_utf8(m, &characters, bytes);
	mend_strings(m, (RcsBytes){characters.data, characters.data + characters.len});
	pfree(characters.data);
}
