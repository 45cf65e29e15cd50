/*
 * foreign_text.c
 *	  Text from outside, cleaned before anybody keeps or shows it.
 *
 * A peer may repeat what it was asked: a secret, a message, a phone number.  Such parts
 * become ***.  A part is found by its bytes, so one that the peer has encoded otherwise
 * (base64, percent signs) is not.  Must not know who wrote the text.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/memutils.h"

#include "base/foreign_json.h"
#include "base/foreign_text.h"

#define LOOKED_AT 2000		  /* bytes of a text; more is cut off first */
#define REQUEST_MAX (1 << 20) /* bytes of a request whose strings are known */
#define SHORTEST 3			  /* bytes of a string that can be told from a word */
#define PART 8				  /* bytes of a string that are taken for a quotation */
#define PART_SECRET 4		  /* of a secret, and of a run of digits */
#define CODE_MAX 20
#define PHONE_DIGITS 9

typedef struct RcsOwnString
{
	const char *at;
	int len;
	bool secret;
} RcsOwnString;

/* ---------- characters ---------- */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || IS_HIGHBIT_SET(c);
}

/* The length of the character, also at the end of a broken text. */
static int
char_len(const char *text, const char *end)
{
	return Max(1, (int) Min(pg_mblen(text), end - text));
}

/* What does not show, or changes how others show: zero width, bidi marks, line separators, C1. */
static bool
is_control(pg_wchar c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || c == 0x180e ||
		   (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
		   (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
		   (c >= 0xe0000 && c <= 0xe007f);
}

/* The same in ASCII, or 0: digits, hyphens and blanks of other widths. */
static char
in_ascii(pg_wchar c)
{
	if (c >= 0xff10 && c <= 0xff19)
		return (char) ('0' + c - 0xff10);
	if (c == 0xa0 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f || c == 0x3000)
		return ' ';
	if ((c >= 0x2010 && c <= 0x2015) || c == 0x2212 || c == 0xff0d)
		return '-';
	return c == 0xff0e ? '.' : '\0';
}

/* A copy without controls.  In a database that is not UTF-8 only those of ASCII are known. */
static char *
plain(const char *text, int len, int *plain_len)
{
	const char *end = text + len;
	char *copy = palloc(len + 1);
	char *to = copy;

	while (text < end)
	{
		int n = char_len(text, end);
		pg_wchar c = (unsigned char) *text;

		if (n > 1)
			c = GetDatabaseEncoding() == PG_UTF8 ? utf8_to_unicode((const unsigned char *) text)
												 : 0xffff;
		if (c < 0x80 && is_control(c))
			*to++ = ' ';
		else if (in_ascii(c) != '\0')
			*to++ = in_ascii(c);
		else if (n == 1 || !is_control(c))
		{
			memcpy(to, text, n);
			to += n;
		}
		text += n;
	}
	*to = '\0';
	*plain_len = (int) (to - copy);
	return copy;
}

/* ---------- what the request said ---------- */

static void
add(RcsOwnStrings *own, const char *at, int len, bool secret)
{
	RcsOwnString *s;

	if (own->n == own->room)
	{
		own->room = own->room == 0 ? 16 : own->room * 2;
		own->list = own->list == NULL ? palloc(sizeof(RcsOwnString) * own->room)
									  : repalloc(own->list, sizeof(RcsOwnString) * own->room);
	}
	s = &own->list[own->n];
	s->at = plain(at, len, &s->len);
	s->secret = secret;
	if (s->len >= SHORTEST)
		own->n++;
}

/* RCSSMS, SS000000: not what a person wrote */
static bool
is_code(const JsonbValue *v)
{
	if (v->val.string.len > CODE_MAX || v->val.string.len == 0 || is_digit(v->val.string.val[0]))
		return false;
	for (int i = 0; i < v->val.string.len; i++)
	{
		char c = v->val.string.val[i];

		if (!is_digit(c) && !(c >= 'A' && c <= 'Z') && c != '_')
			return false;
	}
	return true;
}

static bool
is_key(const JsonbValue *name, const char *text)
{
	return name->type == jbvString && name->val.string.len == (int) strlen(text) &&
		   memcmp(name->val.string.val, text, name->val.string.len) == 0;
}

static bool
names_secret(const JsonbValue *name)
{
	return is_key(name, "rcsSecret") || is_key(name, "agencyKey") || is_key(name, "brandKey");
}

void
rcs_own_strings_add(RcsOwnStrings *own, JsonbContainer *document)
{
	JsonbIterator *it = JsonbIteratorInit(document);
	JsonbIteratorToken token;
	JsonbValue v;
	JsonbValue name = {.type = jbvNull};

	while ((token = JsonbIteratorNext(&it, &v, false)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			name = v;
		else if ((token == WJB_VALUE || token == WJB_ELEM) && v.type == jbvString &&
				 (names_secret(&name) || !is_code(&v)))
			add(own, v.val.string.val, v.val.string.len, names_secret(&name));
	}
}

static void
add_request(RcsOwnStrings *own, const RcsHttpRequest *asked)
{
	Jsonb *body = NULL;

	if (asked->body != NULL && asked->content_type == NULL)
		body = rcs_foreign_document(asked->body, asked->body_len, REQUEST_MAX);
	if (body != NULL)
		rcs_own_strings_add(own, &body->root);
	if (asked->bearer != NULL)
		add(own, asked->bearer, (int) strlen(asked->bearer), true);
	if (asked->header != NULL)
	{
		const char *colon = strchr(asked->header, ':');
		const char *value = colon != NULL ? colon + 1 + strspn(colon + 1, " \t") : asked->header;

		add(own, value, (int) strlen(value), true);
	}
}

/* ---------- what is repeated ---------- */

static int
common(const char *a, const char *a_end, const char *b, const char *b_end)
{
	int n = 0;

	while (a + n < a_end && b + n < b_end && a[n] == b[n])
		n++;
	return n;
}

/* Is so much of the string a quotation of it? */
static bool
is_quotation(const RcsOwnString *s, const char *text, int len)
{
	int digits = 0;

	while (digits < len && is_digit(text[digits]))
		digits++;
	return len >= PART || (s->secret && len >= PART_SECRET) || digits >= PART_SECRET;
}

/* How much of the text here is of this string; 0: nothing. */
static int
quoted(const RcsOwnString *s, const char *start, const char *text, const char *end)
{
	const char *s_end = s->at + s->len;
	const char *at = s->at;
	int longest = 0;

	if (s->len <= end - text && memcmp(text, s->at, s->len) == 0 &&
		(s->secret || ((text == start || !is_word(text[-1])) && !is_word(text[s->len]))))
		return s->len;
	if (end - text < PART_SECRET)
		return 0;
	while ((at = memmem(at, s_end - at, text, PART_SECRET)) != NULL)
	{
		longest = Max(longest, common(at, s_end, text, end));
		at++;
	}
	return is_quotation(s, text, longest) ? longest : 0;
}

/* In place: what is written is never longer than what is read. */
static int
take_out(char *text, int len, const RcsOwnStrings *own)
{
	char *copy = pnstrdup(text, len);
	const char *end = copy + len;
	const char *from = copy;
	char *to = text;

	while (from < end)
	{
		int n = char_len(from, end);
		int longest = 0;

		for (int i = 0; i < own->n; i++)
			longest = Max(longest, quoted(&own->list[i], copy, from, end));
		if (longest == 0)
		{
			memcpy(to, from, n);
			to += n;
			from += n;
			continue;
		}
		for (const char *stop = from + longest; from < stop;)
			from += char_len(from, end);
		if (to - text < 3 || memcmp(to - 3, "***", 3) != 0)
		{
			memcpy(to, "***", 3);
			to += 3;
		}
	}
	*to = '\0';
	pfree(copy);
	return (int) (to - text);
}

/* ---------- phone numbers ---------- */

/* Digits with at most two of the usual marks between them: "010 - 1234", "(02) 123"; from a digit. */
static int
number_run(const char *text)
{
	int last = 0;

	for (int i = 0; text[i] != '\0'; i++)
	{
		if (is_digit(text[i]))
			last = i + 1;
		else if (strchr(" .-()/", text[i]) == NULL || i - last >= 3)
			break;
	}
	return last;
}

/* 192.168.100.200 has as many digits as a phone number. */
static bool
is_ip_address(const char *text, int len)
{
	unsigned int part[4];
	int used = 0;

	return sscanf(text, "%3u.%3u.%3u.%3u%n", &part[0], &part[1], &part[2], &part[3], &used) == 4 &&
		   used == len;
}

void
rcs_mask_numbers(char *text)
{
	while (*text != '\0')
	{
		int run = is_digit(*text) ? number_run(text) : 0;
		int digits = 0;
		int seen = 0;

		for (int i = 0; i < run; i++)
			digits += is_digit(text[i]);
		for (int i = 0; i < run && digits >= PHONE_DIGITS && !is_ip_address(text, run); i++)
			if (is_digit(text[i]) && ++seen > 3 && seen <= digits - 4)
				text[i] = '*';
		text += Max(run, 1);
	}
}

/* ---------- the calls ---------- */

void
rcs_foreign_text(char *to, size_t size, const char *text, const RcsOwnStrings *own)
{
	int all = (int) strnlen(text, LOOKED_AT + MAX_MULTIBYTE_CHAR_LEN);
	int len;
	char *copy = plain(text, pg_mbcliplen(text, all, LOOKED_AT), &len);

	if (own->n > 0)
		len = take_out(copy, len, own);
	rcs_mask_numbers(copy);
	len = pg_mbcliplen(copy, len, (int) size - 1);
	memcpy(to, copy, len);
	to[len] = '\0';
	pfree(copy);
}

void
rcs_foreign_text_of_answer(char *to, size_t size, const char *text, const RcsHttpRequest *asked)
{
	MemoryContext cxt =
		AllocSetContextCreate(CurrentMemoryContext, "rcs foreign text", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(cxt);
	RcsOwnStrings own = {0};

	if (asked != NULL)
		add_request(&own, asked);
	rcs_foreign_text(to, size, text, &own);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(cxt);
}
