/*
 * text_length.c
 *		How long a text is, as the carrier counts.
 *
 * Texts are in the encoding of the database.  This file knows no limit and no
 * member of a message.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "mb/pg_wchar.h"

#include "message/text_length.h"

int
rcs_text_length(const char *text, int len)
{
	bool utf8 = GetDatabaseEncoding() == PG_UTF8;
	const unsigned char *s = (const unsigned char *) text;
	int units = 0;

	if (!utf8)
		return pg_mbstrlen_with_len(text, len);
	for (int i = 0; i < len; i++)
	{
		/* every first byte counts once, that of four bytes is a surrogate pair */
		units += (s[i] & 0xC0) != 0x80;
		units += s[i] >= 0xF0;
	}
	return units;
}

/* In a database without an encoding, text is taken for UTF-8, as the carrier will take it. */
static const char *
as_utf8(const char *text, int len, int *utf8_len)
{
	char *converted;

	*utf8_len = len;
	if (GetDatabaseEncoding() == PG_UTF8 || GetDatabaseEncoding() == PG_SQL_ASCII)
		return text;
	converted = pg_server_to_any(text, len, PG_UTF8);
	if (converted != text)
		*utf8_len = (int) strlen(converted);
	return converted;
}

int
rcs_text_utf8_bytes(const char *text, int len)
{
	int bytes;

	(void) as_utf8(text, len, &bytes);
	return bytes;
}

/* Through PostgreSQL's table, for characters other than ASCII and Hangul syllables. */
static int
convert_to_cp949(const char *utf8, int len, int *bad_at)
{
	Oid proc = FindDefaultConversionProc(PG_UTF8, PG_UHC);
	int size = (len + 2) * MAX_CONVERSION_GROWTH; /* less, and it would stop early */
	unsigned char *out = palloc(size);
	int done;
	int bytes;

	if (!OidIsValid(proc))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
						errmsg("there is no conversion from UTF8 to UHC"),
						errhint("It belongs to every PostgreSQL; somebody has dropped it.")));
	done = pg_do_encoding_conversion_buf(proc, PG_UTF8, PG_UHC, (unsigned char *) utf8, len, out,
										 size, true);
	bytes = (int) strlen((char *) out);
	pfree(out);
	if (done >= len)
		return bytes;
	*bad_at = 0;
	for (int i = 0; i < done; i++)
		*bad_at += ((unsigned char) utf8[i] & 0xC0) != 0x80;
	return -1;
}

static bool
is_hangul(const unsigned char *s, int left)
{
	unsigned int code;

	if (left < 3 || (s[0] & 0xF0) != 0xE0)
		return false;
	code = (s[0] & 0x0F) << 12 | (s[1] & 0x3F) << 6 | (s[2] & 0x3F);
	return code >= 0xAC00 && code <= 0xD7A3;
}

int
rcs_text_cp949_bytes(const char *text, int len, int *bad_at)
{
	int utf8_len;
	const char *utf8 = as_utf8(text, len, &utf8_len);
	const unsigned char *s = (const unsigned char *) utf8;
	int bytes = 0;

	*bad_at = 0;
	if (GetDatabaseEncoding() == PG_SQL_ASCII && !pg_verify_mbstr(PG_UTF8, utf8, utf8_len, true))
		return -1;
	for (int i = 0; i < utf8_len; bytes++)
	{
		if (s[i] < 0x80)
			i++;
		else if (is_hangul(s + i, utf8_len - i))
		{
			bytes++;
			i += 3;
		}
		else
			return convert_to_cp949(utf8, utf8_len, bad_at);
	}
	return bytes;
}
