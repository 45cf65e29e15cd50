/*
 * server.c
 *	  The HTTP side: connections in, replies out, one thread.
 *
 * A reply that has to wait suspends its connection and is taken up again from
 * the list of delays; nothing ever sleeps.  Knows libmicrohttpd; not what the
 * carrier's rules are.
 */
#define _GNU_SOURCE
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire.h"

#define CONNECTIONS_MAX 4096
#define CONNECTION_MEMORY ((size_t) 16 * 1024)
#define IDLE_MAX_S 300U /* also for what libmicrohttpd does not see ending */
#define BODY_MAX ((size_t) 256 * 1024)
#define FILE_BODY_MAX ((size_t) 4 * 1024 * 1024)
#define FIRST_BODY_BYTES ((size_t) 2048)
#define SPARE_BODY_MAX ((size_t) 16 * 1024)
#define HANG_CHECK_US UINT64_C(250000)
#define WIRE_RETRY_US UINT64_C(2000)

/* What is known of a connection, as opposed to one request on it. */
typedef struct Peer
{
	int64_t answers;
	bool closing; /* we have shut it without telling the client */
} Peer;

struct SimRequest
{
	struct MHD_Connection *connection;
	char *body;
	size_t body_len;
	size_t body_size;
	size_t body_max;
	bool body_cut;
	bool decided;
	bool for_carrier; /* not one of our own endpoints */
	SimReply reply;
	size_t wire_sent; /* bytes of an answer that is not HTTP's */
	SimRequest *next_spare;
};

static Peer *
peer_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info;

	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info ? info->socket_context : NULL;
}

static int
socket_of(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

/* The part of the path after /corp/v1/ or /corp/v1.1/, or NULL. */
static const char *
carrier_path(const char *url)
{
	static const char *const prefixes[] = {"/corp/v1/", "/corp/v1.1/"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(url, prefixes[i], strlen(prefixes[i])) == 0)
			return url + strlen(prefixes[i]);
	return NULL;
}

static SimRequest *
request_begin(SimServer *server, struct MHD_Connection *connection, const char *url)
{
	const char *path = carrier_path(url);
	SimStats *stats = &server->sim->stats;
	SimRequest *request = server->spare;

	if (request != NULL)
		server->spare = request->next_spare;
	else
		request = sim_alloc(sizeof(SimRequest));
	request->connection = connection;
	request->body_max = path != NULL && strcmp(path, "file") == 0 ? FILE_BODY_MAX : BODY_MAX;
	if (++stats->active > stats->active_max)
		stats->active_max = stats->active;
	return request;
}

static void
request_end(SimServer *server, SimRequest *request)
{
	char *body = request->body;
	size_t size = request->body_size;
	bool query = request->reply.query;

	if (request->reply.response != NULL && !request->reply.shared)
		MHD_destroy_response(request->reply.response);
	if (size > SPARE_BODY_MAX)
	{
		free(body);
		body = NULL;
		size = 0;
	}
	*request = (SimRequest){.body = body, .body_size = size, .next_spare = server->spare};
	server->spare = request;
	server->sim->stats.active--;
	if (query)
		server->sim->reports.queries_active--;
}

/* What is beyond the bound is read and thrown away, so that we can answer. */
static void
request_read(SimRequest *request, const char *data, size_t len)
{
	size_t size = request->body_size ? request->body_size : FIRST_BODY_BYTES;

	if (len > request->body_max - request->body_len)
	{
		request->body_cut = true;
		return;
	}
	while (size < request->body_len + len)
		size *= 2;
	if (size > request->body_size)
	{
		request->body = sim_resize(request->body, size);
		request->body_size = size;
	}
	memcpy(request->body + request->body_len, data, len);
	request->body_len += len;
}

/* False when the carrier has no such endpoint. */
static bool
answer_as_carrier(const SimServer *server, const char *path, const SimCall *call, SimReply *reply)
{
	static const struct
	{
		const char *path;
		SimReply (*handle)(Sim *sim, const SimCall *call);
		SimRole not_in;
	} endpoints[] = {
		{"message", sim_message, SIM_QUERY_ONLY},
		{"file", sim_file, SIM_QUERY_ONLY},
		{"token", sim_token, SIM_QUERY_ONLY},
		{"querymsgstatus", sim_query, SIM_BUT_QUERY},
	};

	for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++)
	{
		if (strcmp(path, endpoints[i].path) != 0)
			continue;
		*reply = endpoints[i].not_in == server->role ? sim_answer_code("79008")
													 : endpoints[i].handle(server->sim, call);
		return true;
	}
	return false;
}

static void
decide(SimServer *server, SimRequest *request, const char *url, const char *method)
{
	const char *path = carrier_path(url);
	bool post = strcmp(method, MHD_HTTP_METHOD_POST) == 0;
	SimCall call = {
		.authorization = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND,
													 MHD_HTTP_HEADER_AUTHORIZATION),
		.content_type = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND,
													MHD_HTTP_HEADER_CONTENT_TYPE),
		.body = request->body ? request->body : "",
		.body_len = request->body_len,
		.body_cut = request->body_cut,
	};

	request->decided = true;
	request->for_carrier = true;
	if (path != NULL && post && answer_as_carrier(server, path, &call, &request->reply))
		return;
	if (sim_control(server->sim, method, url, &call, &request->reply))
		request->for_carrier = false;
	else
		request->reply = sim_answer_code("71007");
}

/* To libmicrohttpd, "no" means: close the connection at once. */
static enum MHD_Result
finish(SimRequest *request)
{
	if (request->reply.action != SIM_ANSWER)
		return MHD_NO;
	return MHD_queue_response(request->connection, request->reply.status, request->reply.response);
}

static void
park(SimServer *server, SimRequest *request)
{
	uint64_t delay_us = request->reply.delay_us;

	if (request->reply.action == SIM_HANG)
		delay_us = HANG_CHECK_US;
	MHD_suspend_connection(request->connection);
	sim_delays_add(&server->delays, sim_clock_us() + delay_us, request);
}

/*
 * Called once when the headers are in, once for each piece of the body, once at
 * its end, and once more when a suspended connection is resumed.
 */
static enum MHD_Result
handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
	   const char *version, const char *data, size_t *data_len, void **request_slot)
{
	SimServer *server = context;
	SimRequest *request = *request_slot;

	(void) version;
	if (request == NULL)
	{
		if (peer_of(connection)->closing)
			return MHD_NO;
		*request_slot = request_begin(server, connection, url);
		return MHD_YES;
	}
	if (*data_len > 0)
	{
		request_read(request, data, *data_len);
		*data_len = 0;
		return MHD_YES;
	}
	if (request->decided)
		return finish(request);
	decide(server, request, url, method);
	if (request->reply.action <= SIM_CUT && request->reply.delay_us == 0)
		return finish(request);
	park(server, request);
	return MHD_YES;
}

/* The last of N answers on a connection is followed by silence and a FIN. */
static void
maybe_close(const SimServer *server, const SimRequest *request)
{
	int64_t every = server->sim->switches.close_keepalive_every;
	Peer *peer = peer_of(request->connection);

	if (!request->for_carrier || every == 0 || ++peer->answers < every)
		return;
	peer->closing = true;
	shutdown(socket_of(request->connection), SHUT_RDWR);
}

static void
completed(void *context, struct MHD_Connection *connection, void **request_slot,
		  enum MHD_RequestTerminationCode why)
{
	SimServer *server = context;
	SimRequest *request = *request_slot;

	(void) connection;
	if (request == NULL)
		return;
	if (why == MHD_REQUEST_TERMINATED_COMPLETED_OK)
		maybe_close(server, request);
	request_end(server, request);
	*request_slot = NULL;
}

static void
connection_changed(void *context, struct MHD_Connection *connection, void **peer_slot,
				   enum MHD_ConnectionNotificationCode what)
{
	SimServer *server = context;
	SimStats *stats = &server->sim->stats;

	(void) connection;
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
	{
		*peer_slot = sim_alloc(sizeof(Peer));
		if (++stats->connections_open > stats->connections_max)
			stats->connections_max = stats->connections_open;
		return;
	}
	free(*peer_slot);
	*peer_slot = NULL;
	stats->connections_open--;
}

/* libmicrohttpd does not watch a suspended connection, so we look ourselves. */
static bool
client_left(const SimRequest *request)
{
	struct pollfd fd = {.fd = socket_of(request->connection), .events = POLLRDHUP};

	return poll(&fd, 1, 0) > 0;
}

/* When to look at it again; 0: now is the time to finish it. */
static uint64_t
wait_more_us(const SimServer *server, SimRequest *request)
{
	SimAction action = request->reply.action;
	SimWireState state = SIM_WIRE_WATCH;

	if (action <= SIM_CUT || (server->tls && SIM_ON_WIRE(action)))
		return 0;
	if (SIM_ON_WIRE(action))
		state = sim_wire_pump(action, socket_of(request->connection), &request->wire_sent);
	if (state == SIM_WIRE_AGAIN)
		return WIRE_RETRY_US;
	return state == SIM_WIRE_OVER || client_left(request) ? 0 : HANG_CHECK_US;
}

static void
take_up_delayed(SimServer *server)
{
	uint64_t now_us = sim_clock_us();
	SimRequest *request;

	while ((request = sim_delays_take(&server->delays, now_us)) != NULL)
	{
		uint64_t more_us = wait_more_us(server, request);

		if (more_us > 0)
			sim_delays_add(&server->delays, now_us + more_us, request);
		else
			MHD_resume_connection(request->connection);
	}
}

static int
open_listener(const char *address, uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	if (inet_pton(AF_INET, address, &in.sin_addr) != 1)
		sim_fatal("\"%s\" is not an IPv4 address", address);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
		bind(fd, (struct sockaddr *) &in, sizeof(in)) != 0 || listen(fd, CONNECTIONS_MAX) != 0)
		sim_fatal("could not listen on %s port %u: %s", address, port, strerror(errno));
	return fd;
}

void
sim_server_start(SimServer *server, Sim *sim, const char *address, uint16_t port, const SimTls *tls)
{
	struct MHD_OptionItem plain[] = {{MHD_OPTION_END, 0, NULL}};
	struct MHD_OptionItem secure[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, tls->chain},
									  {MHD_OPTION_HTTPS_MEM_KEY, 0, tls->key},
									  {MHD_OPTION_END, 0, NULL}};

	server->sim = sim;
	server->tls = tls->chain != NULL;
	server->listen_fd = open_listener(address, port);
	server->daemon =
		MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
							 (server->tls ? MHD_USE_TLS : MHD_NO_FLAG),
						 0, NULL, NULL, handle, server, MHD_OPTION_LISTEN_SOCKET, server->listen_fd,
						 MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
						 MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY,
						 MHD_OPTION_CONNECTION_TIMEOUT, IDLE_MAX_S, MHD_OPTION_NOTIFY_COMPLETED,
						 completed, server, MHD_OPTION_NOTIFY_CONNECTION, connection_changed,
						 server, MHD_OPTION_ARRAY, server->tls ? secure : plain, MHD_OPTION_END);
	if (server->daemon == NULL)
		sim_fatal("could not start the HTTP server%s",
				  server->tls ? "; are certificate and key as they should be?" : "");
	server->epoll_fd = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

uint16_t
sim_server_port(const SimServer *server)
{
	struct sockaddr_in in;
	socklen_t len = sizeof(in);

	if (getsockname(server->listen_fd, (struct sockaddr *) &in, &len) != 0)
		sim_fatal("could not learn the port: %s", strerror(errno));
	return ntohs(in.sin_port);
}

/* How long the caller may wait on epoll_fd; UINT64_MAX: until it is readable. */
uint64_t
sim_server_wait_us(const SimServer *server)
{
	uint64_t now_us = sim_clock_us();
	uint64_t due_us = sim_delays_next(&server->delays);
	MHD_UNSIGNED_LONG_LONG daemon_ms;

	if (MHD_get_timeout(server->daemon, &daemon_ms) == MHD_YES &&
		(due_us == UINT64_MAX || now_us + daemon_ms * 1000 < due_us))
		due_us = now_us + daemon_ms * 1000;
	if (due_us == UINT64_MAX)
		return UINT64_MAX;
	return due_us > now_us ? due_us - now_us : 0;
}

void
sim_server_run(SimServer *server)
{
	take_up_delayed(server);
	MHD_run(server->daemon);
}

/* Whoever still waits is cut off. */
void
sim_server_stop(SimServer *server)
{
	SimRequest *request;

	while ((request = sim_delays_take(&server->delays, UINT64_MAX)) != NULL)
	{
		request->reply.action = SIM_CUT;
		MHD_resume_connection(request->connection);
	}
	MHD_run(server->daemon);
	MHD_stop_daemon(server->daemon);
	free(server->delays.heap);
	while ((request = server->spare) != NULL)
	{
		server->spare = request->next_spare;
		free(request->body);
		free(request);
	}
}
