/*
 * session.c
 *		The logins of the web console.
 *
 * A session is a random number in a cookie that no script can read and no other site
 * can make a browser send.  Sessions are only in the memory of this process, and end
 * with it, or after some hours.
 *
 * Raises nothing and allocates nothing.  This file must not know HTTP beyond the two
 * headers, or the rights of a session.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/monotonic.h"
#include "listener/session.h"

#define COOKIE "rcs_session="
#define COOKIE_LIMITS "HttpOnly; SameSite=Strict"
#define ID_BYTES 32
#define ID_LEN (2 * ID_BYTES)
#define MAX_SESSIONS 64
#define SESSION_S 28800

typedef struct Session
{
	char id[ID_LEN + 1];
	char cookie[192];
	int64 ends_at; /* 0: not in use */
} Session;

static Session sessions[MAX_SESSIONS];

static void
forget(Session *s)
{
	explicit_bzero(s, sizeof(*s));
}

/* The first free place, else that of the session that ends first. */
static Session *
place(int64 now)
{
	Session *first = &sessions[0];

	for (int i = 0; i < MAX_SESSIONS; i++)
	{
		if (sessions[i].ends_at < now)
			return &sessions[i];
		if (sessions[i].ends_at < first->ends_at)
			first = &sessions[i];
	}
	return first;
}

const char *
rcs_session_begin(bool secure)
{
	static const char digits[] = "0123456789abcdef";
	int64 now = rcs_now_us();
	Session *s = place(now);
	unsigned char id[ID_BYTES];

	if (!pg_strong_random(id, sizeof(id)))
		return NULL;
	for (int i = 0; i < ID_BYTES; i++)
	{
		s->id[2 * i] = digits[id[i] >> 4];
		s->id[2 * i + 1] = digits[id[i] & 15];
	}
	s->id[ID_LEN] = '\0';
	s->ends_at = now + SESSION_S * USECS_PER_SEC;
	snprintf(s->cookie, sizeof(s->cookie), COOKIE "%s; Path=/; Max-Age=%d; " COOKIE_LIMITS "%s",
			 s->id, SESSION_S, secure ? "; Secure" : "");
	return s->cookie;
}

/* The value of our cookie; NULL unless it has the length of one. */
static const char *
id_in(const char *cookies)
{
	const char *at = cookies;

	while (at != NULL && *at != '\0')
	{
		at += strspn(at, "; ");
		if (strncmp(at, COOKIE, strlen(COOKIE)) == 0)
		{
			at += strlen(COOKIE);
			return strcspn(at, "; ") == ID_LEN ? at : NULL;
		}
		at = strchr(at, ';');
	}
	return NULL;
}

/* Takes the same time for a known id and an unknown one. */
static Session *
find(const char *cookies)
{
	const char *id = id_in(cookies);
	int64 now = rcs_now_us();
	Session *found = NULL;

	if (id == NULL)
		return NULL;
	for (int s = 0; s < MAX_SESSIONS; s++)
	{
		unsigned char difference = 0;

		for (int i = 0; i < ID_LEN; i++)
			difference |= (unsigned char) (sessions[s].id[i] ^ id[i]);
		if (difference == 0 && sessions[s].ends_at >= now)
			found = &sessions[s];
	}
	return found;
}

bool
rcs_session_known(const char *cookies)
{
	return find(cookies) != NULL;
}

const char *
rcs_session_end(const char *cookies)
{
	Session *s = find(cookies);

	if (s != NULL)
		forget(s);
	return COOKIE "; Path=/; Max-Age=0; " COOKIE_LIMITS;
}

void
rcs_session_end_all(void)
{
	for (int i = 0; i < MAX_SESSIONS; i++)
		forget(&sessions[i]);
}
