/*
 * phone.c
 *		Korean phone numbers: one canonical spelling, and a masked one for people.
 *
 * A number is read in two steps: characters become plain digits, digits are
 * looked up in the dial plan.  Canonical is the national form, digits only,
 * as the carrier takes it.
 *
 * The spelling of a number decides message ids, so it must never depend on a
 * setting or a table.  This file must not know messages or queues.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "base/pg_compat.h"
#include "message/phone.h"

/* The longest spelling that can be valid: 0070082, (0), 12 digits. */
#define MAX_RAW_DIGITS 20

/* Bytes of text in another encoding than UTF-8; no number is longer. */
#define MAX_CONVERTED 100

/* The digits that were read, and the punctuation that has a meaning. */
typedef struct RawNumber
{
	char digits[MAX_RAW_DIGITS + 1];
	int ndigits;
	bool plus;	  /* starts with + */
	int slash_at; /* digits before the last slash, or -1 */
} RawNumber;

typedef struct CodeRange
{
	uint32 first;
	uint32 last;
} CodeRange;

/* Characters people and spreadsheets put between digits. */
static const CodeRange separators[] = {
	{'\t', '\n'},	  /* tab, line feed */
	{'\r', '\r'},	  /* carriage return */
	{' ', ' '},		  /* space */
	{'(', ')'},		  /* parentheses */
	{'-', '/'},		  /* hyphen, dot, slash */
	{0x00A0, 0x00A0}, /* no-break space */
	{0x2000, 0x2015}, /* spaces, zero-width marks, dashes */
	{0x202A, 0x202F}, /* direction marks of pasted contacts */
	{0x2212, 0x2212}, /* minus sign */
	{0x3000, 0x3000}, /* full-width space */
	{0xFEFF, 0xFEFF}, /* byte order mark of an exported file */
	{0xFF08, 0xFF09}, /* full-width parentheses */
	{0xFF0D, 0xFF0F}, /* full-width hyphen, dot, slash */
};

/* The ways to dial Korea from abroad; the longer ones start with 00 too. */
static const char *const country_prefixes[] = {"0070082", "00182", "00282", "00582",
											   "00682",	  "00882", "0082"};

/* The numbers that can be sent to.  The longest prefix that fits decides. */
typedef struct DialPlanRow
{
	const char *prefix;
	int min_digits;
	int max_digits;
	const char *refusal; /* NULL: a recipient */
} DialPlanRow;

static const DialPlanRow dial_plan[] = {
	{"010", 11, 11, NULL},
	{"011", 10, 11, NULL},
	{"016", 10, 11, NULL},
	{"017", 10, 11, NULL},
	{"018", 10, 11, NULL},
	{"019", 10, 11, NULL},
	{"02", 9, 10, NULL},
	{"031", 10, 11, NULL},
	{"032", 10, 11, NULL},
	{"033", 10, 11, NULL},
	{"041", 10, 11, NULL},
	{"042", 10, 11, NULL},
	{"043", 10, 11, NULL},
	{"044", 10, 11, NULL},
	{"051", 10, 11, NULL},
	{"052", 10, 11, NULL},
	{"053", 10, 11, NULL},
	{"054", 10, 11, NULL},
	{"055", 10, 11, NULL},
	{"061", 10, 11, NULL},
	{"062", 10, 11, NULL},
	{"063", 10, 11, NULL},
	{"064", 10, 11, NULL},
	{"0502", 11, 12, NULL},
	{"0503", 11, 12, NULL},
	{"0504", 11, 12, NULL},
	{"0505", 11, 12, NULL},
	{"0506", 11, 12, NULL},
	{"0507", 11, 12, NULL},
	{"0508", 11, 12, NULL},
	{"070", 11, 11, NULL},
	{"060", 0, 0, "is a premium-rate number, which receives no messages"},
	{"080", 0, 0, "is a toll-free number, which receives no messages"},
	{"00", 0, 0, "is a foreign number"},
	{"0", 0, 0, "has an area code that cannot receive messages"},
	{"15", 0, 0, "is a business short number, which receives no messages"},
	{"16", 0, 0, "is a business short number, which receives no messages"},
	{"18", 0, 0, "is a business short number, which receives no messages"},
	{"", 0, 0, "does not start with 0 or +82"},
};

static const char *const bad_character = "has characters that are not part of a phone number";

PG_FUNCTION_INFO_V1(rcs_phone_sql);
PG_FUNCTION_INFO_V1(rcs_phone_or_null_sql);

/* ---------- characters to digits ---------- */

/*
 * Code points of up to three bytes; no longer one has a place in a number.
 * Anything else, broken UTF-8 included, is 0, which is no separator.
 */
static uint32
next_code(const char **pos, const char *end)
{
	const unsigned char *s = (const unsigned char *) *pos;
	int len = s[0] < 0x80 ? 1 : s[0] < 0xE0 ? 2 : 3;

	if (end - *pos < len || s[0] >= 0xF0 || !pg_utf8_islegal(s, len))
	{
		*pos = end;
		return 0;
	}
	*pos += len;
	return len == 1 ? s[0] : utf8_to_unicode(s);
}

static const char *
add_digit(RawNumber *raw, char digit)
{
	if (raw->ndigits >= MAX_RAW_DIGITS)
		return "has too many digits";
	raw->digits[raw->ndigits++] = digit;
	return NULL;
}

static bool
is_separator(uint32 code)
{
	for (size_t i = 0; i < lengthof(separators); i++)
		if (code >= separators[i].first && code <= separators[i].last)
			return true;
	return false;
}

static const char *
read_number(const char *utf8, size_t len, RawNumber *raw)
{
	const char *end = utf8 + len;
	const char *problem = NULL;

	memset(raw, 0, sizeof(*raw));
	raw->slash_at = -1;

	while (utf8 < end && problem == NULL)
	{
		uint32 code = next_code(&utf8, end);

		if (code >= '0' && code <= '9')
			problem = add_digit(raw, code);
		else if (code >= 0xFF10 && code <= 0xFF19)
			problem = add_digit(raw, code - 0xFF10 + '0');
		else if ((code == '+' || code == 0xFF0B) && raw->ndigits == 0 && !raw->plus)
			raw->plus = true;
		else if (!is_separator(code))
			problem = bad_character;
		else if (code == '/' || code == 0xFF0F)
			raw->slash_at = raw->ndigits;
	}
	if (problem != NULL)
		return problem;
	if (raw->ndigits == 0)
		return "is empty";

	/* 02-123-4567/8 means two numbers; joined they would be a third one. */
	if (raw->slash_at > 0 && raw->ndigits > raw->slash_at && raw->ndigits - raw->slash_at < 3)
		return "ends in an extension or a second number";
	return NULL;
}

/* ---------- digits to a national number ---------- */

/* The digits after a certain +82, or NULL.  Some write +82 (0)10. */
static const char *
without_country(const RawNumber *raw)
{
	if (raw->plus)
		return strncmp(raw->digits, "82", 2) == 0 ? raw->digits + 2 : NULL;

	for (size_t i = 0; i < lengthof(country_prefixes); i++)
	{
		size_t len = strlen(country_prefixes[i]);

		if (strncmp(raw->digits, country_prefixes[i], len) == 0)
			return raw->digits + len;
	}
	return NULL;
}

static const char *
check_dial_plan(const char *digits)
{
	const DialPlanRow *best = NULL;
	size_t best_len = 0;
	int ndigits = strlen(digits);

	if (ndigits < 8)
		return "has too few digits";

	for (size_t i = 0; i < lengthof(dial_plan); i++)
	{
		size_t len = strlen(dial_plan[i].prefix);

		if ((best == NULL || len > best_len) && strncmp(digits, dial_plan[i].prefix, len) == 0)
		{
			best = &dial_plan[i];
			best_len = len;
		}
	}

	/* The last row has an empty prefix, so there always is one. */
	if (best->refusal != NULL)
		return best->refusal;
	if (ndigits < best->min_digits)
		return "has too few digits";
	if (ndigits > best->max_digits)
		return "has too many digits";
	return NULL;
}

/* Fills out only if the number is fit to be sent to. */
static const char *
national_form(const char *digits, bool add_zero, char out[RCS_PHONE_MAX + 1])
{
	char number[MAX_RAW_DIGITS + 2];
	const char *problem;

	snprintf(number, sizeof(number), "%s%s", add_zero ? "0" : "", digits);
	problem = check_dial_plan(number);
	if (problem == NULL)
		strlcpy(out, number, RCS_PHONE_MAX + 1);
	return problem;
}

static const char *
to_national(const RawNumber *raw, char out[RCS_PHONE_MAX + 1])
{
	const char *rest = without_country(raw);

	if (rest != NULL)
		return national_form(rest, rest[0] != '0', out);
	if (raw->plus)
		return raw->digits[0] == '0' ? "has a plus sign but no country code"
									 : "is a foreign number";

	/* 82 without a plus is believed only if a number follows. */
	if (strncmp(raw->digits, "82", 2) == 0)
	{
		rest = raw->digits + 2;
		if (national_form(rest, rest[0] != '0', out) == NULL)
			return NULL;
	}
	return national_form(raw->digits, false, out);
}

/* ---------- numbers ---------- */

const char *
rcs_phone_canonical(const char *utf8, size_t len, char out[RCS_PHONE_MAX + 1])
{
	RawNumber raw;
	const char *problem = read_number(utf8, len, &raw);

	out[0] = '\0';
	if (problem == NULL)
		problem = to_national(&raw, out);
	return problem;
}

static bool
is_ascii(const char *str, int len)
{
	for (int i = 0; i < len; i++)
		if (IS_HIGHBIT_SET(str[i]))
			return false;
	return true;
}

/*
 * False if the text has characters that UTF-8 lacks: one odd byte in a list of
 * recipients must be a bad number, not an error that stops the list.
 */
static bool
to_utf8(int encoding, const char *str, int len, char *utf8, int size)
{
	Oid proc = FindDefaultConversionProc(encoding, PG_UTF8);

	if (!OidIsValid(proc) || len > MAX_CONVERTED)
		return false;
	return pg_do_encoding_conversion_buf(proc, encoding, PG_UTF8,
										 (unsigned char *) unconstify(char *, str), len,
										 (unsigned char *) utf8, size, true) == len;
}

const char *
rcs_phone_from_server(const char *str, int len, char out[RCS_PHONE_MAX + 1])
{
	int encoding = GetDatabaseEncoding();
	char utf8[MAX_CONVERTED * MAX_CONVERSION_GROWTH + 1];

	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII || is_ascii(str, len))
		return rcs_phone_canonical(str, len, out);

	if (!to_utf8(encoding, str, len, utf8, sizeof(utf8)))
		return bad_character;
	return rcs_phone_canonical(utf8, strlen(utf8), out);
}

/*
 * At least three digits stay hidden.  A number too short for that is hidden
 * whole, because one hidden digit is easily guessed.
 */
void
rcs_phone_mask(const char *canonical, char out[RCS_PHONE_MASK_SIZE])
{
	char head[4] = "";
	char tail[5] = "";
	int ndigits = 0;
	int nhead;

	for (; *canonical != '\0'; canonical++)
	{
		if (*canonical < '0' || *canonical > '9')
			continue;
		if (ndigits < 3)
			head[ndigits] = *canonical;
		memmove(tail, tail + 1, 3);
		tail[3] = *canonical;
		ndigits++;
	}

	nhead = head[0] == '0' && head[1] == '2' ? 2 : 3;
	if (ndigits < nhead + 3 + 4)
		strlcpy(out, "****", RCS_PHONE_MASK_SIZE);
	else
		snprintf(out, RCS_PHONE_MASK_SIZE, "%.*s-****-%s", nhead, head, tail);
}

void
rcs_phone_parse(const text *phone, char out[RCS_PHONE_MAX + 1])
{
	char masked[RCS_PHONE_MASK_SIZE];
	const char *problem = rcs_phone_from_server(VARDATA_ANY(phone), VARSIZE_ANY_EXHDR(phone), out);

	if (problem == NULL)
		return;
	rcs_phone_mask(text_to_cstring(phone), masked);
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("invalid phone number %s", masked), errdetail("The number %s.", problem),
					errhint("Give a Korean mobile, land-line, 070 or 050 number, "
							"such as 010-1234-5678, 01012345678 or +82 10-1234-5678.")));
}

/* ---------- SQL ---------- */

Datum
rcs_phone_sql(PG_FUNCTION_ARGS)
{
	char out[RCS_PHONE_MAX + 1];

	rcs_phone_parse(PG_GETARG_TEXT_PP(0), out);
	PG_RETURN_TEXT_P(cstring_to_text(out));
}

Datum
rcs_phone_or_null_sql(PG_FUNCTION_ARGS)
{
	text *phone = PG_GETARG_TEXT_PP(0);
	char out[RCS_PHONE_MAX + 1];

	if (rcs_phone_from_server(VARDATA_ANY(phone), VARSIZE_ANY_EXHDR(phone), out) != NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(out));
}
