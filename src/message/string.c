/*
 * string.c
 *		The length and the form of one string of a message.
 *
 * The text comes as it will be sent.  This file must not know placeholders.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "message/media_url.h"
#include "message/string.h"
#include "message/text_length.h"

#define FILE_ID_MAX 64

int
rcs_measure(const char *text, int len, RcsLengthUnit unit, int *bad_at)
{
	*bad_at = 0;
	switch (unit)
	{
		case RCS_IN_BYTES:
			return rcs_text_utf8_bytes(text, len);
		case RCS_IN_CP949:
			return rcs_text_cp949_bytes(text, len, bad_at);
		default:
			return rcs_text_length(text, len);
	}
}

const char *
rcs_unit_name(RcsLengthUnit unit, int n)
{
	if (unit == RCS_IN_CHARACTERS)
		return n == 1 ? "character" : "characters";
	return n == 1 ? "byte" : "bytes";
}

/* ---------- forms ---------- */

/* How many bytes of s, at most "most", are in the set; c-type functions would ask the locale. */
static int
span(const char *s, int len, const char *set)
{
	int n = 0;

	while (n < len && s[n] != '\0' && strchr(set, s[n]) != NULL)
		n++;
	return n;
}

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool
has_prefix(const char *s, int len, const char *prefix)
{
	return len >= (int) strlen(prefix) && pg_strncasecmp(s, prefix, strlen(prefix)) == 0;
}

/* Printable and without blanks, as addresses are. */
static bool
is_graphic(const char *s, int len)
{
	for (int i = 0; i < len; i++)
	{
		unsigned char c = s[i];

		if (c <= ' ' || c == 0x7F)
			return false;
	}
	return len > 0;
}

static bool
is_url(const char *s, int len)
{
	int scheme = span(s, len, LETTERS DIGITS "+-.");

	return scheme > 0 && strchr(LETTERS, s[0]) != NULL && scheme + 1 < len && s[scheme] == ':' &&
		   is_graphic(s + scheme + 1, len - scheme - 1);
}

/*
 * d is a digit, the rest itself; "*"
 * stands for more digits.  Returns how many bytes match.
 */
static int
match_digits(const char *s, int len, const char *pattern)
{
	int at = 0;

	for (; *pattern != '\0'; pattern++)
	{
		if (*pattern == '*')
			at += span(s + at, len - at, DIGITS);
		else if (at >= len || (*pattern == 'd' ? strchr(DIGITS, s[at]) == NULL || s[at] == '\0'
											   : s[at] != *pattern))
			return -1;
		else
			at++;
	}
	return at;
}

static bool
is_zone(const char *s, int len)
{
	return len == 0 || (len == 1 && s[0] == 'Z') ||
		   ((s[0] == '+' || s[0] == '-') && (match_digits(s + 1, len - 1, "dd") == len - 1 ||
											 match_digits(s + 1, len - 1, "dddd") == len - 1 ||
											 match_digits(s + 1, len - 1, "dd:dd") == len - 1));
}

static int
two_digits(const char *s)
{
	return (s[0] - '0') * 10 + s[1] - '0';
}

/* s has the form of a time; between its parts stand so many other characters: 1 or 0. */
static bool
is_date(const char *s, int gap)
{
	int month = two_digits(s + 4 + gap);
	int day = two_digits(s + 6 + 2 * gap);
	int hour = two_digits(s + 9 + 2 * gap);
	int minute = two_digits(s + 11 + 3 * gap);

	return month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour <= 24 && minute <= 59;
}

/* ISO 8601: a date, the letter T and a time, in the long or the short form. */
static bool
is_time(const char *s, int len)
{
	static const char *const forms[] = {"dddd-dd-ddTdd:dd:dd.d*", "dddd-dd-ddTdd:dd:dd",
										"dddd-dd-ddTdd:dd",		  "ddddddddTdddddd.d*",
										"ddddddddTdddddd",		  "ddddddddTdddd"};

	for (int i = 0; i < (int) lengthof(forms); i++)
	{
		int n = match_digits(s, len, forms[i]);

		if (n > 0 && is_zone(s + n, len - n) && is_date(s, forms[i][4] == '-' ? 1 : 0))
			return true;
	}
	return false;
}

static bool
is_file(const char *s, int len)
{
	int prefix = (int) strlen(RCS_MEDIA_SCHEME);

	return has_prefix(s, len, RCS_MEDIA_SCHEME) && len <= prefix + FILE_ID_MAX &&
		   is_graphic(s + prefix, len - prefix);
}

/* The page must be one of https, and name a film. */
static bool
is_film(const char *s, int len)
{
	const char *still = rcs_media_film_still(s, len);
	const char *scheme = "https://";
	int start = (int) strlen(scheme);
	int page = still == NULL ? 0 : (int) (still - 1 - s);

	return still != NULL && has_prefix(s, len, scheme) && is_graphic(s, page) &&
		   (const char *) memchr(s + start, '/', page - start) < s + page - 1 &&
		   is_file(still, len - page - 1);
}

static void
check_media(RcsCheck *c, const char *path, const char *s, int len)
{
	const char *fault;

	if (is_file(s, len) || is_film(s, len))
		return;
	if (!rcs_media_is_url(s, len))
	{
		rcs_complain(c, path, "format",
					 "is none of " RCS_MEDIA_SCHEME
					 "id, https://... and a film of YouTube with a still");
		return;
	}
	fault = rcs_media_url_problem(pnstrdup(s, len));
	if (fault != NULL)
		rcs_complain(c, path, "format", "this address of an image cannot be used: %s", fault);
}

/* The mark of advertising, in the encoding of the database. */
static const char *
ad_mark(void)
{
	static const char utf8[] = "(\xEA\xB4\x91\xEA\xB3\xA0)";

	if (GetDatabaseEncoding() == PG_UTF8)
		return utf8;
	return pg_any_to_server(utf8, (int) strlen(utf8), PG_UTF8);
}

static bool
contains(const char *s, int len, const char *part)
{
	int n = (int) strlen(part);

	for (int i = 0; i + n <= len; i++)
		if (s[i] == part[0] && memcmp(s + i, part, n) == 0)
			return true;
	return false;
}

/* Are the digits of the number in the text, with or without separators between them? */
static bool
names_number(const char *s, int len, const char *number)
{
	for (int start = 0; start < len; start++)
	{
		const char *wanted = number;

		for (int i = start; i < len; i++)
		{
			while (*wanted == '-')
				wanted++;
			if (*wanted == '\0')
				break;
			if (s[i] == *wanted)
				wanted++;
			else if (strchr("-. )", s[i]) == NULL || s[i] == '\0' || i == start)
				break;
		}
		if (*wanted == '\0')
			return true;
	}
	return false;
}

static void
check_advertising(RcsCheck *c, const char *path, const char *text, int len)
{
	const char *mark = ad_mark();

	if (len < (int) strlen(mark) || memcmp(text, mark, strlen(mark)) != 0)
		rcs_complain(c, path, "advertising", "advertising as fallback must begin with %s", mark);
	if (c->opt_out != NULL && c->opt_out[0] != '\0' && !names_number(text, len, c->opt_out))
		rcs_complain(c, path, "advertising",
					 "advertising as fallback must name the free opt-out number %s", c->opt_out);
}

static void
check_fallback_characters(RcsCheck *c, const char *path, const char *text, int len)
{
	int bad_at;

	if (rcs_text_cp949_bytes(text, len, &bad_at) < 0)
		rcs_complain(c, path, "encoding", "character %d does not exist in CP949, as fallback needs",
					 bad_at + 1);
}

static void
check_form(RcsCheck *c, const char *path, RcsStringForm form, const char *text, int len)
{
	switch (form)
	{
		case RCS_ANY_FORM:
			break;
		case RCS_TEXT_FORM:
			if (contains(text, len, ad_mark()))
				rcs_complain(c, path, "forbidden",
							 "must not contain %s, which the handset shows by itself", ad_mark());
			break;
		case RCS_AD_FORM:
			check_advertising(c, path, text, len);
			break;
		case RCS_URL_FORM:
			if (!is_url(text, len))
				rcs_complain(c, path, "format",
							 "is not an address with a scheme, such as https://");
			break;
		case RCS_TIME_FORM:
			if (!is_time(text, len))
				rcs_complain(c, path, "format",
							 "is not a time such as 2026-01-31T09:00:00+09:00 (ISO 8601)");
			break;
		case RCS_OPT_OUT_FORM:
			if (span(text, len, DIGITS "-") < len)
				rcs_complain(c, path, "format", "may hold digits and hyphens only");
			break;
		case RCS_MEDIA_FORM:
			check_media(c, path, text, len);
			break;
		case RCS_FALLBACK_FORM:
			check_fallback_characters(c, path, text, len);
			break;
	}
}

/* ---------- the whole ---------- */

static void
check_word(RcsCheck *c, const char *path, const char *const *words, const char *text, int len)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; words[i] != NULL; i++)
	{
		if ((int) strlen(words[i]) == len && memcmp(words[i], text, len) == 0)
			return;
		appendStringInfo(&list, "%s\"%s\"", i > 0 ? ", " : "", words[i]);
	}
	rcs_complain(c, path, "value", "is none of %s", list.data);
}

void
rcs_check_text(RcsCheck *c, const char *path, const RcsMemberRule *rule, const char *text, int len)
{
	int bad_at;
	int n = rcs_measure(text, len, rule->unit, &bad_at);

	if (rule->words != NULL)
		check_word(c, path, rule->words, text, len);
	else if (n < 0)
		rcs_complain(c, path, "encoding", "character %d does not exist in CP949, as fallback needs",
					 bad_at + 1);
	else if (rule->max > 0 && n > rule->max)
		rcs_complain(c, path, "too_long", "%d %s, at most %d are allowed", n,
					 rcs_unit_name(rule->unit, n), rule->max);
	else if (n < rule->min)
		rcs_complain(c, path, "too_short", "is empty");
	else
		check_form(c, path, rule->form, text, len);
	if (rule->summed && c->sum != NULL)
	{
		int length = rcs_measure(text, len, RCS_IN_CHARACTERS, &bad_at);

		c->sum->fixed += length;
		c->sum->least += length;
	}
}
