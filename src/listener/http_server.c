/*
 * http_server.c
 *		HTTP in: libmicrohttpd without a thread; its one descriptor is waited for
 *		through evloop.
 *
 * A request is judged when its headers are there (judge_request.c), so that a client
 * without a secret cannot make us keep a long body.  A complete request is suspended
 * until it is answered, and one with a wrong secret for a while (guess_brake.c).
 * libmicrohttpd knows only how long a client was silent.  The whole time of a request is
 * measured here; when many connections are open, a slow one is cut earlier.
 *
 * Callbacks run inside of libmicrohttpd: they never raise and never use palloc.
 *
 * Must not know SQL, or the meaning of a request.
 */
#include "postgres.h"

#include <microhttpd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/ilist.h"
#include "storage/fd.h"
#include "storage/ipc.h"

#include "base/evloop.h"
#include "base/monotonic.h"
#include "listener/answer_http.h"
#include "listener/guess_brake.h"
#include "listener/http_server.h"
#include "listener/judge_request.h"
#include "listener/listener_shared.h"

#define MAX_CONNECTIONS 256
#define CONNECTION_MEMORY ((size_t) 32 * 1024) /* of its headers and its answer's */
#define SILENCE_S 10U
#define PATIENCE_MS 15000
#define LITTLE_PATIENCE_MS 2000
#define MAX_REQUESTS 1000 /* on one connection */
#define BODIES_MAX ((size_t) 64 * 1024 * 1024)
#define FIRST_BODY_BYTES ((size_t) 8192)
#define BACKLOG 512

/* A connection. */
typedef struct Peer
{
	dlist_node node; /* in "peers", the longest in its present state first */
	struct MHD_Connection *connection;
	int64 since_ms; /* of its present request, or of its last one's end */
	int requests;
	bool cut;
} Peer;

typedef struct Request
{
	RcsExchange x;
	dlist_node node; /* in "complete" or "held" */
	size_t body_size;
	bool body_too_long;
	bool held;
	int judged;		/* 0, or the status to refuse it with */
	int64 until_ms; /* it is held */
} Request;

static const RcsListenerSetup *setup = NULL;
static struct MHD_Daemon *server = NULL;
static int poll_fd = -1;
static int reserved_fds = 0;
static int nconnections = 0;
static size_t bodies = 0; /* bytes kept for them */
static dlist_head peers = DLIST_STATIC_INIT(peers);
static dlist_head complete = DLIST_STATIC_INIT(complete);
static dlist_head held = DLIST_STATIC_INIT(held); /* in the order of their release */

static Peer *
peer_of(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static const struct sockaddr *
client_of(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
}

static int
socket_of(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

/* ---------- answers ---------- */

static void
count_answer(int status)
{
	rcs_listener_count(status < 400	  ? RCS_LISTENER_OK
					   : status < 500 ? RCS_LISTENER_BAD
									  : RCS_LISTENER_FAILED,
					   1);
}

static void
add_headers(const RcsExchange *x, struct MHD_Response *response)
{
	(void) MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, x->content_type);
	(void) MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	if (!x->answer_is_constant)
		(void) MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (x->status == MHD_HTTP_SERVICE_UNAVAILABLE)
		(void) MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "5");
	if (x->status == MHD_HTTP_UNAUTHORIZED)
		(void) MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
	if (x->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		(void) MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, POST");
	if (peer_of(x->connection)->requests >= MAX_REQUESTS)
		(void) MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	for (int i = 0; i < x->nheaders; i++)
		(void) MHD_add_response_header(response, x->headers[i][0], x->headers[i][1]);
}

static enum MHD_Result
send_answer(RcsExchange *x)
{
	struct MHD_Response *response;
	enum MHD_Result sent;

	response = MHD_create_response_from_buffer(x->answer_len, x->answer,
											   x->answer_is_constant ? MHD_RESPMEM_PERSISTENT
																	 : MHD_RESPMEM_MUST_FREE);
	if (response == NULL)
		return MHD_NO;
	if (!x->answer_is_constant)
		x->answer = NULL; /* the response's now */
	add_headers(x, response);
	count_answer(x->status);
	sent = MHD_queue_response(x->connection, (unsigned int) x->status, response);
	MHD_destroy_response(response);
	return sent;
}

/* ---------- callbacks of libmicrohttpd ---------- */

static Request *
begin_request(struct MHD_Connection *connection)
{
	Peer *peer = peer_of(connection);
	Request *r = peer != NULL ? calloc(1, sizeof(Request)) : NULL;

	if (r != NULL)
	{
		r->x.connection = connection;
		peer->requests++;
	}
	return r;
}

/* Bytes beyond the bound are read and thrown away, so that we can answer. */
static bool
read_body(Request *r, const char *data, size_t len)
{
	size_t size = Max(r->body_size, FIRST_BODY_BYTES);
	char *larger;

	if (r->body_too_long || len > r->x.body_max - r->x.body_len)
	{
		r->body_too_long = true;
		return true;
	}
	while (size < r->x.body_len + len + 1)
		size *= 2;
	if (size > r->body_size)
	{
		larger = realloc(r->x.body, size);
		if (larger == NULL)
			return false;
		bodies += size - r->body_size;
		r->x.body = larger;
		r->body_size = size;
	}
	memcpy(r->x.body + r->x.body_len, data, len);
	r->x.body_len += len;
	r->x.body[r->x.body_len] = '\0';
	return true;
}

static enum MHD_Result
refuse(RcsExchange *x, int status)
{
	rcs_answer_status(x, status);
	return send_answer(x);
}

/* The headers are there. */
static enum MHD_Result
judge(Request *r, const char *method, const char *url)
{
	r->judged = bodies < BODIES_MAX ? rcs_listener_judge(&r->x, setup, method, url) : 503;
	if (r->x.wrong_secret && rcs_guess_wrong(client_of(r->x.connection)))
	{
		r->held = true;
		r->until_ms = rcs_now_us() / 1000 + RCS_GUESS_WAIT_MS;
		dlist_push_tail(&held, &r->node);
		MHD_suspend_connection(r->x.connection);
		return MHD_YES;
	}
	return r->judged == 0 ? MHD_YES : refuse(&r->x, r->judged);
}

static void
release(Request *r)
{
	dlist_delete(&r->node);
	MHD_resume_connection(r->x.connection);
}

static void
release_the_held(int64 now)
{
	while (!dlist_is_empty(&held))
	{
		Request *r = dlist_head_element(Request, node, &held);

		if (r->until_ms > now)
			return;
		release(r);
	}
}

/*
 * Called once when the headers are in, once more if it was held then, once for each piece of the body, once at its
 * end, and once more when a suspended connection is resumed.
 */
static enum MHD_Result
on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method,
		   const char *version, const char *data, size_t *data_len, void **slot)
{
	Request *r = *slot;

	if (r == NULL)
	{
		*slot = r = begin_request(connection);
		return r == NULL ? MHD_NO : judge(r, method, url);
	}
	if (r->held)
	{
		r->held = false;
		return r->judged == 0 ? MHD_YES : refuse(&r->x, r->judged);
	}
	if (*data_len > 0)
	{
		bool kept = read_body(r, data, *data_len);

		*data_len = 0;
		return kept ? MHD_YES : MHD_NO;
	}
	if (r->x.status != 0)
		return send_answer(&r->x);
	if (r->body_too_long)
		return refuse(&r->x, 413);
	dlist_push_tail(&complete, &r->node);
	MHD_suspend_connection(connection);
	return MHD_YES;
}

static void
on_completed(void *context, struct MHD_Connection *connection, void **slot,
			 enum MHD_RequestTerminationCode why)
{
	Request *r = *slot;
	Peer *peer = peer_of(connection);

	if (r == NULL)
		return;
	rcs_answer_forget(&r->x);
	bodies -= r->body_size;
	free(r->x.body);
	free(r);
	*slot = NULL;
	peer->since_ms = rcs_now_us() / 1000;
	dlist_delete(&peer->node);
	dlist_push_tail(&peers, &peer->node);
}

static void
on_connection(void *context, struct MHD_Connection *connection, void **slot,
			  enum MHD_ConnectionNotificationCode what)
{
	Peer *peer = *slot;

	if (what == MHD_CONNECTION_NOTIFY_STARTED)
	{
		/* without it no request of this connection is begun */
		*slot = peer = calloc(1, sizeof(Peer));
		nconnections++;
		if (peer == NULL)
			return;
		peer->connection = connection;
		peer->since_ms = rcs_now_us() / 1000;
		dlist_push_tail(&peers, &peer->node);
		return;
	}
	nconnections--;
	if (peer == NULL)
		return;
	dlist_delete(&peer->node);
	free(peer);
	*slot = NULL;
}

static enum MHD_Result
on_accept(void *context, const struct sockaddr *address, socklen_t len)
{
	if (setup->nallow == 0 || rcs_cidr_match(setup->allow, setup->nallow, address))
		return MHD_YES;
	rcs_listener_count(RCS_LISTENER_TURNED_AWAY, 1);
	return MHD_NO;
}

/* The default of libmicrohttpd is to abort the process, which would restart the whole server. */
static void
on_panic(void *context, const char *file, unsigned int line, const char *reason)
{
	ereport(LOG, (errmsg("libmicrohttpd gives up: %s", reason != NULL ? reason : "no reason")));
	proc_exit(1);
}

/* ---------- open and close ---------- */

static int
open_socket(char **problem)
{
	struct sockaddr_storage address;
	socklen_t len = rcs_net_parse(setup->address, setup->port, &address);
	int on = 1;
	int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
		bind(fd, (struct sockaddr *) &address, len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	*problem = psprintf("could not listen on %s port %d: %s", setup->address, setup->port,
						strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Tells fd.c how many descriptors we use; it may allow fewer than MAX_CONNECTIONS. */
static void
reserve_fds(void)
{
	while (reserved_fds < MAX_CONNECTIONS && AcquireExternalFD())
		reserved_fds++;
}

static void
release_fds(void)
{
	for (; reserved_fds > 0; reserved_fds--)
		ReleaseExternalFD();
}

bool
rcs_listener_open(const RcsListenerSetup *with, char **problem)
{
	int fd;

	Assert(server == NULL);
	setup = with;
	fd = open_socket(problem);
	if (fd < 0)
		return false;
	reserve_fds();
	MHD_set_panic_func(on_panic, NULL);
	server =
		MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, on_accept, NULL, on_request,
						 NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
						 (unsigned int) reserved_fds, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
						 CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT, SILENCE_S,
						 MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
						 NULL, MHD_OPTION_NOTIFY_CONNECTION, on_connection, NULL, MHD_OPTION_END);
	if (server != NULL)
		poll_fd = MHD_get_daemon_info(server, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	if (server != NULL && rcs_evloop_watch(poll_fd, RCS_EV_READ))
		return true;
	*problem = pstrdup("could not start libmicrohttpd");
	if (server == NULL)
		close(fd);
	rcs_listener_close();
	return false;
}

/* Waiting requests get 503, because libmicrohttpd must not end with suspended connections. */
void
rcs_listener_close(void)
{
	RcsExchange *x;

	if (server != NULL)
	{
		while (rcs_listener_take(&x, 1) > 0)
		{
			rcs_answer_status(x, MHD_HTTP_SERVICE_UNAVAILABLE);
			rcs_listener_answered(x);
		}
		while (!dlist_is_empty(&held))
		{
			Request *r = dlist_head_element(Request, node, &held);

			r->judged = MHD_HTTP_SERVICE_UNAVAILABLE;
			release(r);
		}
		(void) MHD_run(server);
		(void) rcs_evloop_watch(poll_fd, 0);
		rcs_evloop_forget(poll_fd);
		MHD_stop_daemon(server);
		server = NULL;
	}
	release_fds();
}

/* ---------- going round ---------- */

/* The oldest connections come first, so the loop ends at the first that may stay. */
static void
cut_the_slow(int64 now)
{
	dlist_iter iter;
	bool full = nconnections >= reserved_fds - reserved_fds / 4;
	int64 patience = full ? LITTLE_PATIENCE_MS : PATIENCE_MS;

	dlist_foreach(iter, &peers)
	{
		Peer *peer = dlist_container(Peer, node, iter.cur);

		if (now - peer->since_ms < patience)
			return;
		if (peer->cut)
			continue;
		peer->cut = true;
		rcs_listener_count(RCS_LISTENER_CUT, 1);
		/* libmicrohttpd sees the end of its input, and closes */
		(void) shutdown(socket_of(peer->connection), SHUT_RDWR);
	}
}

long
rcs_listener_run(void)
{
	MHD_UNSIGNED_LONG_LONG ms;
	int64 now = rcs_now_us() / 1000;
	long wait_ms;

	if (server == NULL)
		return -1;
	cut_the_slow(now);
	release_the_held(now);
	(void) MHD_run(server);
	if (!dlist_is_empty(&complete))
		return 0;
	wait_ms = MHD_get_timeout(server, &ms) == MHD_YES ? (long) Min(ms, 60000) : 60000;
	if (!dlist_is_empty(&held))
	{
		int64 until_ms = dlist_head_element(Request, node, &held)->until_ms;

		wait_ms = (long) Min(wait_ms, Max(until_ms - rcs_now_us() / 1000, 0));
	}
	return wait_ms;
}

int
rcs_listener_take(RcsExchange **exchanges, int max)
{
	int n = 0;

	while (n < max && !dlist_is_empty(&complete))
		exchanges[n++] = &dlist_container(Request, node, dlist_pop_head_node(&complete))->x;
	return n;
}

void
rcs_listener_answered(RcsExchange *x)
{
	if (x->status == 0)
		rcs_answer_status(x, MHD_HTTP_SERVICE_UNAVAILABLE);
	MHD_resume_connection(x->connection);
}

int
rcs_listener_connections(void)
{
	return nconnections;
}
