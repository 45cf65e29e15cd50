/*
 * routes.c
 *		The table of routes: method, path, roles, and the function that answers.
 *
 * To add a route, write a function void answer(RcsExchange *x) in a file of its own
 * and name it here.
 *
 * It reads	x->path (decoded), x->body and x->body_len (at most RCS_BODY_MAX bytes of
 *			anything, or RCS_OPEN_BODY_MAX without one of our secrets), x->roles,
 *			rcs_exchange_arg(x, "name") for ?name=value, and rcs_exchange_header(x, "Name").
 * It calls	one of rcs_answer_text(), rcs_answer_json() and rcs_answer_constant()
 *			(answer_http.h), and rcs_answer_header() for further headers.
 *
 * A route of kind QUERY runs in a transaction, as the owner of the extension, with SPI
 * connected: use an RcsStatement and rcs_execute() (statement.h).  It may raise; the
 * error is in the log and the client gets 503.  A mistake of the user should be told
 * in the result of the SQL function instead.  It is canceled after a few seconds,
 * because reports wait meanwhile.  The answer leaves after COMMIT.  One of kind SHARED,
 * for a question that needs no secret and costs something, does so once a second at
 * most, whatever is asked; there can be one of them.  A route of kind
 * PLAIN runs outside of a transaction and must not raise; it is for answers that need
 * no database.
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
#include "listener/routes.h"
#include "listener/store.h"

const RcsRoute rcs_routes[] = {
	{"POST", "/msgstatus", RCS_ROUTE_STORE, RCS_ROLE_CARRIER, NULL},
	{"POST", "/momsg", RCS_ROUTE_STORE, RCS_ROLE_CARRIER, NULL},
	/* the carriers' systems put their names there */
	{"POST", "/momsg/KT", RCS_ROUTE_STORE, RCS_ROLE_CARRIER, NULL},
	{"POST", "/momsg/SKT", RCS_ROUTE_STORE, RCS_ROLE_CARRIER, NULL},
	{"POST", "/momsg/LGU", RCS_ROUTE_STORE, RCS_ROLE_CARRIER, NULL},
	{"GET", "/health", RCS_ROUTE_SHARED, 0, rcs_answer_health},
	{"GET", "/metrics", RCS_ROUTE_QUERY, RCS_ROLE_OPERATOR, rcs_answer_metrics},
	/* the console, whose functions check its sessions themselves */
	{"GET", "/", RCS_ROUTE_PLAIN, 0, rcs_console_file},
	{"GET", "/console/*", RCS_ROUTE_PLAIN, 0, rcs_console_file},
	{"GET", "/api/session", RCS_ROUTE_PLAIN, 0, rcs_console_session},
	{"POST", "/api/login", RCS_ROUTE_PLAIN, 0, rcs_console_login},
	{"POST", "/api/logout", RCS_ROUTE_PLAIN, 0, rcs_console_logout},
	{"POST", "/api/campaigns/*", RCS_ROUTE_QUERY, 0, rcs_console_steer},
	{"GET", "/api/*", RCS_ROUTE_QUERY, 0, rcs_console_show},
};

const int rcs_nroutes = lengthof(rcs_routes);
