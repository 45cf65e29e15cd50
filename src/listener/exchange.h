/*
 * exchange.h
 *		A request and its answer, and the route that it takes.
 */
#ifndef RCS_EXCHANGE_H
#define RCS_EXCHANGE_H

/* About 2,000 reports with all their members; the carrier's batches are smaller, as far as is known. */
#define RCS_BODY_MAX ((size_t) 1024 * 1024)
/* of requests that have shown no secret */
#define RCS_OPEN_BODY_MAX ((size_t) 16 * 1024)

#define RCS_MAX_ANSWER_HEADERS 6

/* The roles of a client, by the secrets that it sent; a set of bits. */
#define RCS_ROLE_CARRIER 1	/* rcs.listen_secret_file */
#define RCS_ROLE_OPERATOR 2 /* rcs.listen_operator_file */

struct MHD_Connection;
typedef struct RcsExchange RcsExchange;

typedef enum RcsRouteKind
{
	RCS_ROUTE_PLAIN,  /* no transaction; must not raise */
	RCS_ROUTE_QUERY,  /* in a transaction of its own, of at most a few seconds */
	RCS_ROUTE_SHARED, /* the same, and for a second it is the answer of whoever asks */
	RCS_ROUTE_STORE	  /* a push of the carrier: many share a transaction */
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
 * All of it lives until it is answered.  Behind a body stands a zero byte that does
 * not count.
 */
struct RcsExchange
{
	const RcsRoute *route;
	const char *path;  /* decoded; without the secret, if there was one */
	int roles;		   /* RCS_ROLE_..., by the secrets that came with it */
	bool wrong_secret; /* one came, and gave no role */
	char *body;		   /* NULL: none */
	size_t body_len;
	size_t body_max;

	/* see answer_http.h */
	int status; /* 0: not answered yet */
	const char *content_type;
	void *answer;
	size_t answer_len;
	bool answer_is_constant;
	const char *headers[RCS_MAX_ANSWER_HEADERS][2];
	int nheaders;

	struct MHD_Connection *connection;
};

/* "?name=value" of the address, and headers; NULL: not there.  Decoded. */
extern const char *rcs_exchange_arg(const RcsExchange *x, const char *name);
extern const char *rcs_exchange_header(const RcsExchange *x, const char *name);

#endif /* RCS_EXCHANGE_H */
