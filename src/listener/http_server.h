/*
 * http_server.h
 *		HTTP in: requests that are complete, and the answers to them.
 */
#ifndef RCS_HTTP_SERVER_H
#define RCS_HTTP_SERVER_H

#include "base/net_cidr.h"
#include "listener/listener_secret.h"
#include "listener/routes.h"
#include "process/guc.h"

/* About 2,000 reports with all their members; the carrier's batches are smaller, as far as is known. */
#define RCS_BODY_MAX ((size_t) 1024 * 1024)
/* of requests that have shown no secret */
#define RCS_OPEN_BODY_MAX ((size_t) 16 * 1024)

struct MHD_Connection;

/*
 * A request and its answer.  What stands in it lives until it is answered; a body
 * has a zero byte behind it that does not count.
 */
struct RcsExchange
{
	const RcsRoute *route;
	const char *path; /* decoded; without the secret, if there was one */
	int roles;		  /* RCS_ROLE_..., by the secrets that came with it */
	char *body;		  /* NULL: none */
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

typedef struct RcsListenerSetup
{
	char address[64];
	int port;
	RcsCidr allow[RCS_LISTEN_ALLOW_MAX];
	int nallow; /* 0: anybody */
	RcsSecrets carrier;
	RcsSecrets operators; /* of the console */
} RcsListenerSetup;

/*
 * The setup is kept by reference: secrets and networks may be changed in it.  False:
 * why (palloc'd).
 */
extern bool rcs_listener_open(const RcsListenerSetup *setup, char **problem);
extern void rcs_listener_close(void);

/* Does what has become possible; how long it may wait then. */
extern long rcs_listener_run(void);

/* Requests that are complete; each is to be answered, and then told so. */
extern int rcs_listener_take(RcsExchange **exchanges, int max);
extern void rcs_listener_answered(RcsExchange *x);
extern int rcs_listener_connections(void);

#endif /* RCS_HTTP_SERVER_H */
