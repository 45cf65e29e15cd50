/*
 * judge_request.c
 *		Whether a request may go on, as soon as its headers are there.
 *
 * Runs inside of libmicrohttpd: nothing raises, nothing allocates.
 *
 * Must not know what a request means.
 */
#include "postgres.h"

#include <microhttpd.h>

#include "listener/http_server.h"
#include "listener/judge_request.h"

const char *
rcs_exchange_arg(const RcsExchange *x, const char *name)
{
	return MHD_lookup_connection_value(x->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *
rcs_exchange_header(const RcsExchange *x, const char *name)
{
	return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

/* Of the headers that say where a request ends, and where it is for. */
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

/* A proxy in front of us may read a request otherwise that can be read in two ways. */
static bool
framing_is_clear(struct MHD_Connection *connection, bool *has_body)
{
	Framing f = {0};

	(void) MHD_get_connection_values(connection, MHD_HEADER_KIND, look_at_header, &f);
	*has_body = f.encodings > 0 || f.lengths > 0;
	return !f.odd && f.lengths + f.encodings <= 1 && f.hosts <= 1;
}

static int
roles_by(const RcsListenerSetup *setup, const char *secret, size_t len)
{
	return (rcs_listener_secret_known(&setup->carrier, secret, len) ? RCS_ROLE_CARRIER : 0) |
		   (rcs_listener_secret_known(&setup->operators, secret, len) ? RCS_ROLE_OPERATOR : 0);
}

static int
roles_of(const RcsListenerSetup *setup, const RcsExchange *x, const char *in_path,
		 size_t in_path_len)
{
	const char *header = rcs_exchange_header(x, MHD_HTTP_HEADER_AUTHORIZATION);
	int roles = in_path != NULL ? roles_by(setup, in_path, in_path_len) & RCS_ROLE_CARRIER : 0;

	if (header == NULL)
		return roles;
	if (pg_strncasecmp(header, "Bearer ", 7) == 0)
		header += 7;
	return roles | roles_by(setup, header, strlen(header));
}

/* Only a number gets here. */
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
	status = rcs_route_find(method, url, &x->route, &x->path, &secret, &secret_len);
	if (status != 0)
		return status;
	x->roles = roles_of(setup, x, secret, secret_len);
	if (x->route->roles != 0 && (x->route->roles & x->roles) == 0)
		return MHD_HTTP_UNAUTHORIZED;
	x->body_max = x->roles != 0 ? RCS_BODY_MAX : RCS_OPEN_BODY_MAX;
	if (is_too_long(x))
		return 413;
	if (has_body && strcmp(method, MHD_HTTP_METHOD_POST) != 0)
		return MHD_HTTP_BAD_REQUEST;
	return 0;
}
