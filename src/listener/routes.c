/*
 * routes.c
 *		What can be asked of the listener, by whom, and who answers: the table.
 *
 * To add a route, write a function void answer(RcsExchange *x) in a file of its own
 * and name it here.
 *
 * It reads	x->path (decoded), x->body and x->body_len (at most RCS_BODY_MAX bytes of
 *			anything, or RCS_OPEN_BODY_MAX without one of our secrets), x->roles, rcs_exchange_arg(x, "name") for ?name=value, and
 *			rcs_exchange_header(x, "Name").
 * It calls	one of rcs_answer_text(), rcs_answer_json() and rcs_answer_constant()
 *			(answer_http.h), and rcs_answer_header() for what else is to be said.
 *
 * A route of kind QUERY runs in a transaction, as the owner of the extension, with SPI
 * connected: use an RcsStatement and rcs_execute() (statement.h).  It may raise; the
 * error is in the log and the client gets 503.  What a user may have done wrong, the
 * SQL function should say in its result instead.  It is canceled after a few seconds,
 * because reports wait meanwhile.  The answer leaves after COMMIT.  A route of kind
 * PLAIN runs outside of a transaction and must not raise; it is for what is built in.
 *
 * "roles" says which secrets open it: 0 none is needed, RCS_ROLE_OPERATOR that of
 * rcs.listen_operator_file, in "Authorization: Bearer ...".  Only the carrier's may
 * stand in the path.  Without it the client gets 401.  JSON from outside goes through
 * rcs_foreign_document() (foreign_json.h) before it is used.
 *
 * The first that matches counts.  This file must not know HTTP nor SQL.
 */
#include "postgres.h"

#include "listener/console.h"
#include "listener/http_server.h"
#include "listener/routes.h"
#include "listener/store.h"

#define ANY_SECRET (RCS_ROLE_CARRIER | RCS_ROLE_OPERATOR)

static const RcsRoute routes[] = {
	{"POST", "/msgstatus", RCS_ROUTE_STORE, RCS_ROLE_CARRIER, NULL},
	{"POST", "/momsg", RCS_ROUTE_STORE, RCS_ROLE_CARRIER, NULL},
	/* the carriers' systems put their names there */
	{"POST", "/momsg/KT", RCS_ROUTE_STORE, RCS_ROLE_CARRIER, NULL},
	{"POST", "/momsg/SKT", RCS_ROUTE_STORE, RCS_ROLE_CARRIER, NULL},
	{"POST", "/momsg/LGU", RCS_ROUTE_STORE, RCS_ROLE_CARRIER, NULL},
	{"GET", "/health", RCS_ROUTE_QUERY, 0, rcs_answer_health},
	{"GET", "/metrics", RCS_ROUTE_QUERY, ANY_SECRET, rcs_answer_metrics},
	/* the console, which knows besides who has logged in */
	{"GET", "/", RCS_ROUTE_PLAIN, 0, rcs_console_file},
	{"GET", "/console/*", RCS_ROUTE_PLAIN, 0, rcs_console_file},
	{"GET", "/api/session", RCS_ROUTE_PLAIN, 0, rcs_console_session},
	{"POST", "/api/login", RCS_ROUTE_PLAIN, 0, rcs_console_login},
	{"POST", "/api/logout", RCS_ROUTE_PLAIN, 0, rcs_console_logout},
	{"POST", "/api/campaigns/*", RCS_ROUTE_QUERY, 0, rcs_console_steer},
	{"GET", "/api/*", RCS_ROUTE_QUERY, 0, rcs_console_show},
};

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

/* Only the carrier's routes (roles) are looked at; NULL: none, or only of another method. */
static const RcsRoute *
find(const char *method, const char *path, int roles, bool *known)
{
	for (size_t i = 0; i < lengthof(routes); i++)
	{
		const RcsRoute *route = &routes[i];

		if ((route->roles & roles) != roles || !path_matches(route, path))
			continue;
		*known = true;
		if (method_matches(route, method))
			return route;
	}
	return NULL;
}

int
rcs_route_find(const char *method, const char *url, const RcsRoute **route, const char **path,
			   const char **secret, size_t *secret_len)
{
	const char *rest = url[0] == '/' ? strchr(url + 1, '/') : NULL;
	bool known = false;

	*secret = NULL;
	*secret_len = 0;
	*path = url;
	*route = find(method, url, 0, &known);
	if (*route != NULL)
		return 0;
	if (rest != NULL)
	{
		*route = find(method, rest, RCS_ROLE_CARRIER, &known);
		*path = rest;
		*secret = url + 1;
		*secret_len = (size_t) (rest - url - 1);
	}
	if (*route != NULL)
		return 0;
	return known ? 405 : 404;
}
