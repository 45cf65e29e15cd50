/*
 * media_url.c
 *	  Images that a message names by an address of the web.
 *
 * An address is compared with those of servers as text.  A form that a client or a
 * server of the web could read otherwise (a login, dots as segments, a backslash,
 * an escaped slash) is therefore a problem.  Must not know how images are fetched, or which
 * servers there are.
 */
#include "postgres.h"

#include "base/foreign_text.h"
#include "base/jsonb_members.h"
#include "base/pg_compat.h"
#include "message/media_url.h"

#define SHOWN_MAX 100

static const char *const media_members[] = {"media", "subMedia", "mTitleMedia", "itemMedia"};

static const char *const film_pages[] = {"www.youtube.com", "youtube.com", "m.youtube.com",
										 "youtu.be"};

/* ---------- in a message ---------- */

/* body.media, media3, subMedia1 ...; not mediaUrl, which is a link */
static bool
is_media_member(const char *name, int len)
{
	if (len > 0 && name[len - 1] >= '1' && name[len - 1] <= '9')
		len--;
	for (int i = 0; i < (int) lengthof(media_members); i++)
		if (len == (int) strlen(media_members[i]) && memcmp(name, media_members[i], len) == 0)
			return true;
	return false;
}

static bool
has_scheme(const char *value, int len)
{
	return (len >= 7 && pg_strncasecmp(value, "http://", 7) == 0) ||
		   (len >= 8 && pg_strncasecmp(value, "https://", 8) == 0);
}

const char *
rcs_media_film_still(const char *value, int len)
{
	const char *host;
	const char *comma = memchr(value, ',', len);
	int still = (int) strlen(RCS_MEDIA_SCHEME);

	if (!has_scheme(value, len) || comma == NULL || value + len - (comma + 1) < still ||
		pg_strncasecmp(comma + 1, RCS_MEDIA_SCHEME, still) != 0)
		return NULL;
	host = (const char *) memchr(value, '/', len) + 2;
	for (int i = 0; i < (int) lengthof(film_pages); i++)
	{
		int n = (int) strlen(film_pages[i]);

		if (comma - host > n && pg_strncasecmp(host, film_pages[i], n) == 0 && host[n] == '/')
			return comma + 1;
	}
	return NULL;
}

bool
rcs_media_is_url(const char *value, int len)
{
	return has_scheme(value, len) && rcs_media_film_still(value, len) == NULL;
}

static bool
holds_url(const JsonbValue *key, const JsonbValue *value)
{
	return value->type == jbvString && is_media_member(key->val.string.val, key->val.string.len) &&
		   rcs_media_is_url(value->val.string.val, value->val.string.len);
}

List *
rcs_media_urls(JsonbContainer *message)
{
	JsonbContainer *body = rcs_member_object(message, "body");
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue key;
	JsonbValue value;
	List *urls = NIL;

	if (body == NULL)
		return NIL;
	it = JsonbIteratorInit(body);
	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&it, &value, true);
		if (holds_url(&key, &value))
			urls = lappend(urls, pnstrdup(value.val.string.val, value.val.string.len));
	}
	return urls;
}

/* False: an address has no replacement. */
static bool
push_replaced_body(RcsJsonbState *state, JsonbContainer *body,
				   const char *(*replace)(const char *url, void *arg), void *arg)
{
	JsonbIterator *it = JsonbIteratorInit(body);
	JsonbIteratorToken token;
	JsonbValue key;
	JsonbValue value;

	RcsPushJsonb(state, WJB_BEGIN_OBJECT, NULL);
	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&it, &value, true);
		if (holds_url(&key, &value))
		{
			char *url = pnstrdup(value.val.string.val, value.val.string.len);

			value.val.string.val = (char *) replace(url, arg);
			if (value.val.string.val == NULL)
				return false;
			value.val.string.len = (int) strlen(value.val.string.val);
		}
		RcsPushJsonb(state, WJB_KEY, &key);
		RcsPushJsonb(state, WJB_VALUE, &value);
	}
	RcsPushJsonb(state, WJB_END_OBJECT, NULL);
	return true;
}

Jsonb *
rcs_media_replace(JsonbContainer *message, const char *(*replace)(const char *url, void *arg),
				  void *arg)
{
	JsonbContainer *body = rcs_member_object(message, "body");
	JsonbIterator *it = JsonbIteratorInit(message);
	JsonbIteratorToken token;
	RcsJsonbState state = {0};
	JsonbValue key;
	JsonbValue value;

	RcsPushJsonb(&state, WJB_BEGIN_OBJECT, NULL);
	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&it, &value, true);
		RcsPushJsonb(&state, WJB_KEY, &key);
		if (body != NULL && value.type == jbvBinary && value.val.binary.data == body)
		{
			if (!push_replaced_body(&state, body, replace, arg))
				return NULL;
		}
		else
			RcsPushJsonb(&state, WJB_VALUE, &value);
	}
	return JsonbValueToJsonb(RcsPushJsonb(&state, WJB_END_OBJECT, NULL));
}

/* ---------- addresses ---------- */

typedef struct Parts
{
	bool tls;
	const char *host; /* with brackets */
	int host_len;
	int port;
	const char *path; /* from the first slash, or all that follows the authority */
} Parts;

static void
split(const char *url, Parts *p)
{
	const char *authority_end;

	p->tls = pg_strncasecmp(url, "https://", 8) == 0;
	p->host = url + (p->tls ? 8 : 7);
	authority_end = p->host + strcspn(p->host, "/?");
	p->path = authority_end;
	p->host_len = (int) (p->host[0] == '[' ? strcspn(p->host, "]") + 1 : strcspn(p->host, ":/?"));
	p->host_len = Min(p->host_len, (int) (authority_end - p->host));
	p->port = p->tls ? 443 : 80;
	if (p->host[p->host_len] == ':' && p->host + p->host_len + 1 < authority_end)
		p->port = atoi(p->host + p->host_len + 1);
}

/* The next byte of a path, with the escapes resolved that could change its shape. */
static char
next_byte(const char **path)
{
	static const char *const escapes[] = {"%2e.", "%2f/", "%5c\\"};
	const char *at = *path;

	for (int i = 0; i < (int) lengthof(escapes); i++)
	{
		if (pg_strncasecmp(at, escapes[i], 3) != 0)
			continue;
		*path += 3;
		return escapes[i][3];
	}
	*path += 1;
	return *at;
}

/* Is a segment of the path "." or ".."?  A client would leave it out, and a server may. */
static bool
has_dot_segments(const char *path)
{
	int dots = 0;
	bool only_dots = false;

	while (*path != '\0' && *path != '?')
	{
		char c = next_byte(&path);

		if (c == '/' || c == '\\' || c == ';')
		{
			if (only_dots && dots > 0 && dots <= 2)
				return true;
			only_dots = c != ';';
			dots = 0;
		}
		else if (c == '.')
			dots++;
		else
			only_dots = false;
	}
	return only_dots && dots > 0 && dots <= 2;
}

/* Behind the host may stand a colon and a few digits. */
static bool
is_port(const char *s, int len)
{
	return len == 0 ||
		   (s[0] == ':' && len >= 2 && len <= 6 && (int) strspn(s + 1, "0123456789") >= len - 1);
}

const char *
rcs_media_url_problem(const char *url)
{
	Parts p;

	if (strlen(url) > RCS_MEDIA_URL_MAX)
		return "it is longer than 2000 characters";
	for (const char *c = url; *c != '\0'; c++)
		if (*c <= ' ' || *c >= 0x7f || strchr("#\\\"<>^`{|}", *c) != NULL)
			return "it has a fragment, blanks or characters that must be escaped";
	split(url, &p);
	if (p.host_len == 0)
		return "it names no host";
	if (memchr(p.host, '@', p.path - p.host) != NULL)
		return "it has a user name";
	if (!is_port(p.host + p.host_len, p.path - p.host - p.host_len))
		return "its port is not a number";
	if (has_dot_segments(p.path))
		return "its path has \".\" or \"..\" in it";
	return NULL;
}

bool
rcs_media_url_below(const char *url, const char *base)
{
	Parts u;
	Parts b;
	size_t len;

	split(url, &u);
	split(base, &b);
	if (u.tls != b.tls || u.port != b.port || u.host_len != b.host_len ||
		pg_strncasecmp(u.host, b.host, u.host_len) != 0)
		return false;
	len = strlen(b.path);
	if (strncmp(u.path, b.path, len) != 0)
		return false;
	return len == 0 || b.path[len - 1] == '/' || u.path[len] == '/' || u.path[len] == '?' ||
		   u.path[len] == '\0';
}

char *
rcs_media_url_host(const char *url)
{
	Parts p;

	split(url, &p);
	if (p.host_len >= 2 && p.host[0] == '[')
		return pnstrdup(p.host + 1, p.host_len - 2);
	return pnstrdup(p.host, p.host_len);
}

char *
rcs_media_url_shown(const char *url)
{
	Parts p;
	int len;
	char *shown;

	split(url, &p);
	len = (int) strcspn(p.path, "?");
	shown = len <= SHOWN_MAX ? pnstrdup(p.path, len) : psprintf("%.*s...", SHOWN_MAX, p.path);
	rcs_mask_numbers(shown);
	return shown;
}
