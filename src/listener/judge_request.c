/*
 * judge_request.c
 *		Whether a request may go on, as soon as its headers are there.
 *
 * Runs inside of libmicrohttpd: nothing raises, nothing allocates.
 *
 * Must not know the meaning of a request, or which routes there are.
 */
#include "postgres.h"

#include <microhttpd.h>

#include "listener/judge_request.h"

/* ---------- the framing ---------- */

/* Counts of the headers that tell the end of a request and its host. */
typedef struct Framing
{
	int lengths;
	int encodings;
	int hosts;
	bool odd;
} Framing;

static bool
is_token(const char *name)
{
	if (*name == '\0')
		return false;
	for (; *name != '\0'; name++)
		if (!isalnum((unsigned char) *name) && strchr("!#$%&'*+-.^_`|~", *name) == NULL)
			return false;
	return true;
}

static enum MHD_Result
look_at_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
	Framing *f = context;

	f->odd |= !is_token(name);
	if (pg_strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0)
	{
		f->lengths++;
		f->odd |= value == NULL || *value == '\0' || strspn(value, "0123456789") != strlen(value);
	}
	else if (pg_strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0)
	{
		f->encodings++;
		f->odd |= value == NULL || pg_strcasecmp(value, "chunked") != 0;
	}
	else if (pg_strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0)
		f->hosts++;
	return MHD_YES;
}

/* A request that can be read in two ways is refused: a proxy may have read it otherwise. */
static bool
framing_is_clear(struct MHD_Connection *connection, bool *has_body)
{
	Framing f = {0};

	(void) MHD_get_connection_values(connection, MHD_HEADER_KIND, look_at_header, &f);
	*has_body = f.encodings > 0 || f.lengths > 0;
	return !f.odd && f.lengths + f.encodings <= 1 && f.hosts <= 1;
}

/* ---------- the route ---------- */

static bool
path_matches(const RcsRoute *route, const char *path)
{
	size_t len = strlen(route->path);

	if (route->path[len - 1] == '*')
		return strncmp(route->path, path, len - 1) == 0;
	return strcmp(route->path, path) == 0;
}

static bool
method_matches(const RcsRoute *route, const char *method)
{
	return strcmp(route->method, method) == 0 ||
		   (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

/* Looks only at routes that are open to these roles.  *known: a route has this path. */
static const RcsRoute *
find(const RcsListenerSetup *setup, const char *method, const char *path, int roles, bool *known)
{
	for (int i = 0; i < setup->nroutes; i++)
	{
		const RcsRoute *route = &setup->routes[i];

		if ((route->roles & roles) != roles || !path_matches(route, path))
			continue;
		*known = true;
		if (method_matches(route, method))
			return route;
	}
	return NULL;
}

/*
 * 0, or the status to refuse it with: 404, 405.  A secret in front of the path is
 * taken off it.
 */
static int
find_route(const RcsListenerSetup *setup, const char *method, const char *url,
		   const RcsRoute **route, const char **path, const char **secret, size_t *secret_len)
{
	const char *rest = url[0] == '/' ? strchr(url + 1, '/') : NULL;
	bool known = false;

	*secret = NULL;
	*secret_len = 0;
	*path = url;
	*route = find(setup, method, url, 0, &known);
	if (*route != NULL)
		return 0;
	if (rest != NULL)
	{
		*route = find(setup, method, rest, RCS_ROLE_CARRIER, &known);
		*path = rest;
		*secret = url + 1;
		*secret_len = (size_t) (rest - url - 1);
	}
	if (*route != NULL)
		return 0;
	return known ? 405 : 404;
}

/* ---------- the roles ---------- */

static int
roles_by(const RcsListenerSetup *setup, const char *secret, size_t len)
{
	return (rcs_listener_secret_known(&setup->carrier, secret, len) ? RCS_ROLE_CARRIER : 0) |
		   (rcs_listener_secret_known(&setup->operators, secret, len) ? RCS_ROLE_OPERATOR : 0);
}

static void
judge_secrets(const RcsListenerSetup *setup, RcsExchange *x, const char *in_path,
			  size_t in_path_len)
{
	const char *header = rcs_exchange_header(x, MHD_HTTP_HEADER_AUTHORIZATION);
	bool came = in_path != NULL && rcs_listener_secret_possible(in_path, in_path_len);

	if (in_path != NULL)
		x->roles = roles_by(setup, in_path, in_path_len) & RCS_ROLE_CARRIER;
	if (header != NULL)
	{
		if (pg_strncasecmp(header, "Bearer ", 7) == 0)
			header += 7;
		came |= rcs_listener_secret_possible(header, strlen(header));
		x->roles |= roles_by(setup, header, strlen(header));
	}
	x->wrong_secret = came && x->roles == 0;
}

/* ---------- the whole ---------- */

/* The header, if there is one, is a number: framing_is_clear() has looked. */
static bool
is_too_long(const RcsExchange *x)
{
	const char *length = rcs_exchange_header(x, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return length != NULL && (strlen(length) > 18 || strtoull(length, NULL, 10) > x->body_max);
}

int
rcs_listener_judge(RcsExchange *x, const RcsListenerSetup *setup, const char *method,
				   const char *url)
{
	const char *secret;
	size_t secret_len;
	bool has_body;
	int status;

	if (!framing_is_clear(x->connection, &has_body))
		return MHD_HTTP_BAD_REQUEST;
	status = find_route(setup, method, url, &x->route, &x->path, &secret, &secret_len);
	if (status != 0)
		return status;
	judge_secrets(setup, x, secret, secret_len);
	if (x->route->roles != 0 && (x->route->roles & x->roles) == 0)
		return MHD_HTTP_UNAUTHORIZED;
	x->body_max = x->roles != 0 ? RCS_BODY_MAX : RCS_OPEN_BODY_MAX;
	if (is_too_long(x))
		return 413;
	if (has_body && strcmp(method, MHD_HTTP_METHOD_POST) != 0)
		return MHD_HTTP_BAD_REQUEST;
	return 0;
}
