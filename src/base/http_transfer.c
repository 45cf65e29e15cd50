/*
 * http_transfer.c
 *	  One curl easy handle: its options, its limits, and the bytes out and in.
 *
 * - A request leaves at most once.  curl repeats a POST by itself when a kept
 *	 connection turns out to be dead; it asks before each try, and a second one is
 *	 refused once a byte has left.  Before 7.80 it does not ask, so there bodies go
 *	 through a read function, which costs a system call more (headers and body
 *	 leave one after the other), and the seek function refuses to rewind.
 * - Sizes and times are bounded, TLS is verified, and nothing is taken from the
 *	 environment.
 * - Callbacks run inside curl: they never raise and never use palloc.
 *
 * Must not know the multi handle, the wait, or the meaning of a request.
 */
#include "postgres.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "utils/timestamp.h"

#include "base/http_transfer.h"

#if LIBCURL_VERSION_NUM < 0x074c00
#error "rcs needs libcurl 7.76 or later"
#endif

#define ASKS_BEFORE_TRIES (LIBCURL_VERSION_NUM >= 0x075000)
#define MAX_HEADER_BYTES (64 * 1024)
#define MAX_ANSWER_BYTES (256 * 1024)
#define KEPT_ANSWER_BYTES (16 * 1024)
#define CONNECT_TIMEOUT_MS 5000L
#define MAX_IDLE_S 15L

/* ---------- secrets and memory ---------- */

static void
wipe(char **secret)
{
	if (*secret != NULL)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

/* Secrets do not stay in freed memory. */
static void
drop_headers(RcsHttpTransfer *t)
{
	for (struct curl_slist *h = t->headers; h != NULL; h = h->next)
		explicit_bzero(h->data, strlen(h->data));
	curl_slist_free_all(t->headers);
	t->headers = NULL;
	wipe(&t->bearer);
	wipe(&t->header);
	free(t->content_type);
	t->content_type = NULL;
	free(t->accept);
	t->accept = NULL;
}

void
rcs_http_transfer_free(RcsHttpTransfer *t)
{
	curl_easy_cleanup(t->easy);
	drop_headers(t);
	free(t->url);
	free(t->ca_file);
	free(t->answer);
	free(t);
}

/* ---------- callbacks of curl ---------- */

/*
 * curl counts the bytes of the headers that it has sent, and with them the body, if
 * the body is in memory.  An older curl asks for the body: then it must not have
 * asked either.
 */
bool
rcs_http_transfer_nothing_left(const RcsHttpTransfer *t)
{
	long sent = -1;

	curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &sent);
	return sent == 0 && (ASKS_BEFORE_TRIES || !t->touched);
}

#if ASKS_BEFORE_TRIES
/* A connection that is used again may have been made for a request with a wider reach. */
static const char *
refusal_of_peer(const char *peer, RcsReach reach)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

	if (reach == RCS_REACH_ANY)
		return NULL;
	if (peer != NULL && inet_pton(AF_INET, peer, &v4.sin_addr) == 1)
		return rcs_address_refusal((struct sockaddr *) &v4, reach);
	if (peer != NULL && inet_pton(AF_INET6, peer, &v6.sin6_addr) == 1)
		return rcs_address_refusal((struct sockaddr *) &v6, reach);
	return "the address of the host is not known";
}

static int
on_try(void *arg, char *peer, char *self, int peer_port, int self_port)
{
	RcsHttpTransfer *t = arg;
	bool repeated = t->touched && !t->request->get && !rcs_http_transfer_nothing_left(t);
	const char *refusal = refusal_of_peer(peer, t->request->reach);

	if (refusal != NULL)
	{
		t->refusal = refusal;
		return CURL_PREREQFUNC_ABORT;
	}
	t->touched = true;
	if (!repeated)
		return CURL_PREREQFUNC_OK;
	t->refusal = "the connection was cut before an answer";
	return CURL_PREREQFUNC_ABORT;
}
#else
static size_t
on_body(char *buffer, size_t size, size_t n, void *arg)
{
	RcsHttpTransfer *t = arg;
	size_t chunk = Min(size * n, t->request->body_len - t->body_sent);

	t->touched = true;
	memcpy(buffer, t->request->body + t->body_sent, chunk);
	t->body_sent += chunk;
	return chunk;
}

static int
on_rewind(void *arg, curl_off_t offset, int origin)
{
	return CURL_SEEKFUNC_FAIL;
}
#endif

/* Answers of the same second have the same date, and curl takes 11,000 instructions to read one. */
static void
note_date(RcsHttpRequest *r, const char *line, size_t len)
{
	static char last[64] = "";
	static TimestampTz last_us = 0;
	time_t when;

	if (len < 6 || len >= sizeof(last) || pg_strncasecmp(line, "date:", 5) != 0)
		return;
	line += 5;
	len -= 5;
	if (strlen(last) != len || memcmp(last, line, len) != 0)
	{
		memcpy(last, line, len);
		last[len] = '\0';
		when = curl_getdate(last, NULL);
		last_us = when > 0 ? time_t_to_timestamptz(when) : 0;
	}
	if (last_us != 0)
		r->date_us = last_us;
}

static size_t
on_header(char *data, size_t size, size_t n, void *arg)
{
	RcsHttpTransfer *t = arg;

	note_date(t->request, data, size * n);
	t->header_bytes += size * n;
	if (t->header_bytes <= MAX_HEADER_BYTES)
		return size * n;
	t->refusal = "the header of the answer is too long";
	return 0;
}

static size_t
on_answer(char *data, size_t size, size_t n, void *arg)
{
	RcsHttpTransfer *t = arg;
	size_t most = t->request->answer_max > 0 ? t->request->answer_max : MAX_ANSWER_BYTES;
	size_t needed = t->answer_len + size * n + 1;

	if (needed > most + 1)
	{
		t->refusal = "the answer is too long";
		return 0;
	}
	if (needed > t->answer_size)
	{
		size_t larger = Max(t->answer_size, 1024);
		char *answer;

		while (larger < needed)
			larger *= 2;
		answer = realloc(t->answer, larger);
		if (answer == NULL)
		{
			t->refusal = "out of memory";
			return 0;
		}
		t->answer = answer;
		t->answer_size = larger;
	}
	memcpy(t->answer + t->answer_len, data, size * n);
	t->answer_len += size * n;
	t->answer[t->answer_len] = '\0';
	return size * n;
}

/* ---------- options ---------- */

static bool
set_fixed_options(CURL *easy, RcsHttpTransfer *t)
{
	bool ok = true;

#define SET(option, value) (ok = (curl_easy_setopt(easy, (option), (value)) == CURLE_OK) && ok)

	SET(CURLOPT_PRIVATE, t);
	SET(CURLOPT_ERRORBUFFER, t->curl_error);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_POST, 1L);
#if ASKS_BEFORE_TRIES
	SET(CURLOPT_PREREQFUNCTION, on_try);
	SET(CURLOPT_PREREQDATA, t);
#else
	SET(CURLOPT_READFUNCTION, on_body);
	SET(CURLOPT_READDATA, t);
	SET(CURLOPT_SEEKFUNCTION, on_rewind);
#endif
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, t);
	SET(CURLOPT_WRITEFUNCTION, on_answer);
	SET(CURLOPT_WRITEDATA, t);
	SET(CURLOPT_OPENSOCKETFUNCTION, t->open_socket);
	SET(CURLOPT_OPENSOCKETDATA, t);
	SET(CURLOPT_CLOSESOCKETFUNCTION, t->close_socket);

	SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);

	SET(CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	SET(CURLOPT_MAXAGE_CONN, MAX_IDLE_S);
	SET(CURLOPT_TCP_NODELAY, 1L);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_UPLOAD_BUFFERSIZE, 16384L); /* the least */
	SET(CURLOPT_BUFFERSIZE, 4096L);
#if LIBCURL_VERSION_NUM >= 0x075700
	/* do not wait for a lookup thread when a transfer is given up */
	SET(CURLOPT_QUICK_EXIT, 1L);
#endif
#undef SET
	return ok;
}

RcsHttpTransfer *
rcs_http_transfer_new(curl_opensocket_callback open_socket, curl_closesocket_callback close_socket)
{
	RcsHttpTransfer *t = calloc(1, sizeof(RcsHttpTransfer));

	if (t == NULL)
		return NULL;
	t->open_socket = open_socket;
	t->close_socket = close_socket;
	t->easy = curl_easy_init();
	if (t->easy == NULL || !set_fixed_options(t->easy, t))
	{
		rcs_http_transfer_free(t);
		return NULL;
	}
	return t;
}

void
rcs_http_transfer_trim(RcsHttpTransfer *t)
{
	t->request = NULL;
	if (t->header != NULL)
		drop_headers(t); /* the next request is hardly for the same server */
	if (t->answer_size <= KEPT_ANSWER_BYTES)
		return;
	free(t->answer);
	t->answer = NULL;
	t->answer_size = 0;
}

/* The connections stay: they are the multi handle's. */
static bool
make_as_new(RcsHttpTransfer *t)
{
	curl_easy_reset(t->easy);
	free(t->url);
	free(t->ca_file);
	t->url = t->ca_file = NULL;
	t->get = t->alone = false;
	drop_headers(t);
	return set_fixed_options(t->easy, t);
}

/* A string kept for comparison.  True: it differs and was replaced. */
static bool
remember(char **kept, const char *value, bool *ok)
{
	if (*kept != NULL && value != NULL && strcmp(*kept, value) == 0)
		return false;
	if (*kept == NULL && value == NULL)
		return false;
	free(*kept);
	*kept = value ? strdup(value) : NULL;
	*ok = (value == NULL) == (*kept == NULL);
	return true;
}

static bool
set_url(RcsHttpTransfer *t, const char *url)
{
	bool ok = true;
	bool tls = pg_strncasecmp(url, "https://", 8) == 0;

	if (!remember(&t->url, url, &ok))
		return true;
	if (!tls && pg_strncasecmp(url, "http://", 7) != 0)
		return false;
#if LIBCURL_VERSION_NUM >= 0x075500
	ok = ok && curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, tls ? "https" : "http") == CURLE_OK;
#else
	ok = ok && curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS,
								tls ? CURLPROTO_HTTPS : CURLPROTO_HTTP) == CURLE_OK;
#endif
	return ok && curl_easy_setopt(t->easy, CURLOPT_URL, url) == CURLE_OK;
}

/* curl cannot be told to return to the system's file, except by a reset. */
static bool
set_ca_file(RcsHttpTransfer *t, const char *ca_file)
{
	bool ok = true;

	if (!remember(&t->ca_file, ca_file, &ok))
		return true;
	if (ca_file != NULL)
		return ok && curl_easy_setopt(t->easy, CURLOPT_CAINFO, ca_file) == CURLE_OK;
	return ok && make_as_new(t);
}

/*
 * A connection to where not everybody may go may be used again if we are asked before (on_try);
 * else it is neither taken from others nor left to them.
 */
static bool
set_method(RcsHttpTransfer *t, const RcsHttpRequest *r)
{
	bool alone = r->reach != RCS_REACH_ANY && !ASKS_BEFORE_TRIES;
	bool ok = true;

#define SET(option, value) (ok = (curl_easy_setopt(t->easy, (option), (value)) == CURLE_OK) && ok)

	if (r->get != t->get)
		SET(r->get ? CURLOPT_HTTPGET : CURLOPT_POST, 1L);
	t->get = r->get;
	if (!r->get)
	{
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) r->body_len);
#if ASKS_BEFORE_TRIES
		SET(CURLOPT_POSTFIELDS, r->body);
#endif
	}
	if (alone != t->alone)
	{
		SET(CURLOPT_FRESH_CONNECT, (long) alone);
		SET(CURLOPT_FORBID_REUSE, (long) alone);
	}
	t->alone = alone;
#undef SET
	return ok;
}

/* Appends to a list; on failure the list is freed and stays NULL. */
static bool
add_header(struct curl_slist **list, const char *header)
{
	struct curl_slist *longer = curl_slist_append(*list, header);

	if (longer == NULL)
		return false;
	*list = longer;
	return true;
}

static bool
same(const char *a, const char *b)
{
	return (a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0);
}

/* Leaves no copy of the value behind. */
static bool
add_secret(struct curl_slist **list, const char *name, const char *value)
{
	size_t size = strlen(name) + strlen(value) + 1;
	char *header;
	bool ok;

	/* a line break would be a header of the value's choice */
	for (const unsigned char *c = (const unsigned char *) value; *c; c++)
		if (*c < ' ' || *c == 0x7f)
			return false;
	header = malloc(size);
	if (header == NULL)
		return false;
	snprintf(header, size, "%s%s", name, value);
	ok = add_header(list, header);
	explicit_bzero(header, size);
	free(header);
	return ok;
}

static bool
set_headers(RcsHttpTransfer *t, const RcsHttpRequest *r)
{
	const char *content_type = r->get ? "" : r->content_type ? r->content_type : "application/json";
	const char *accept = r->accept ? r->accept : "application/json";
	bool ok = true;

	if (t->headers != NULL && same(r->bearer, t->bearer) && same(r->header, t->header) &&
		same(content_type, t->content_type) && same(accept, t->accept))
		return true;
	drop_headers(t);
	(void) remember(&t->bearer, r->bearer, &ok);
	if (ok)
		(void) remember(&t->header, r->header, &ok);
	if (ok)
		(void) remember(&t->content_type, content_type, &ok);
	if (ok)
		(void) remember(&t->accept, accept, &ok);
	return ok && (r->get || add_secret(&t->headers, "Content-Type: ", content_type)) &&
		   add_secret(&t->headers, "Accept: ", accept) && add_header(&t->headers, "Expect:") &&
		   (r->bearer == NULL || add_secret(&t->headers, "Authorization: Bearer ", r->bearer)) &&
		   (r->header == NULL || add_secret(&t->headers, "", r->header)) &&
		   curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK;
}

/*
 * An option is set again only if it differs from the request before.  But a GET gets a
 * handle as new: curl repeats one by itself when a kept connection is closed while it leaves,
 * five times in the life of a handle, and then fails.
 */
bool
rcs_http_transfer_prepare(RcsHttpTransfer *t, RcsHttpRequest *r)
{
	t->body_sent = 0;
	t->touched = false;
	t->header_bytes = 0;
	t->answer_len = 0;
	t->refusal = NULL;
	t->curl_error[0] = '\0';
	t->request = r;
	r->done_us = 0;
	r->date_us = 0;
	if (r->get && !make_as_new(t))
		return false;
	return set_ca_file(t, r->ca_file) && set_url(t, r->url) && set_method(t, r) &&
		   set_headers(t, r) &&
		   curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, r->timeout_ms) == CURLE_OK;
}
