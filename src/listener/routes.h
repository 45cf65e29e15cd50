/*
 * routes.h
 *		What can be asked of the listener, by whom, and who answers.
 */
#ifndef RCS_ROUTES_H
#define RCS_ROUTES_H

#define RCS_MAX_ANSWER_HEADERS 6

/* Who asks, as known by the secret; a set of bits. */
#define RCS_ROLE_CARRIER 1	/* rcs.listen_secret_file */
#define RCS_ROLE_OPERATOR 2 /* rcs.listen_operator_file */

typedef struct RcsExchange RcsExchange;

typedef enum RcsRouteKind
{
	RCS_ROUTE_PLAIN, /* no transaction; must not raise */
	RCS_ROUTE_QUERY, /* in a transaction of its own, of at most a few seconds */
	RCS_ROUTE_STORE	 /* what the carrier pushes: many share a transaction */
} RcsRouteKind;

typedef struct RcsRoute
{
	const char *method; /* GET (HEAD is then answered, too) or POST */
	const char *path;	/* with "*" at its end: all that begins so */
	RcsRouteKind kind;
	int roles;						/* one of these may; 0: anybody */
	void (*answer)(RcsExchange *x); /* NULL: RCS_ROUTE_STORE */
} RcsRoute;

/*
 * 0, or the status to refuse it with: 404, 405.  A secret in front of the path is
 * taken off it.  Raises nothing and allocates nothing.
 */
extern int rcs_route_find(const char *method, const char *url, const RcsRoute **route,
						  const char **path, const char **secret, size_t *secret_len);

#endif /* RCS_ROUTES_H */
