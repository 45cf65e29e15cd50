/*
 * proxy.c
 *	  ktproxy: a TCP proxy that breaks connections on request.
 *
 * Listens, keeps the list of connections, and takes orders on a second port.
 * Knows nothing of HTTP; what happens on one connection is in pipe.c.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "pipe.h"
#include "process.h"
#include "util.h"

#define ORDER_MAX 512
#define FIXED_FDS 3 /* signals, orders, clients */

typedef struct Proxy
{
	uint16_t target;
	int listen_fd;
	int control_fd;
	int signal_fd;
	bool refuse;
	bool once; /* the plan is for the next connection only */
	PipePlan plan;
	PipeCounts counts;
	Pipe *pipes;
} Proxy;

typedef struct Options
{
	uint16_t target;
	uint16_t port;
	uint16_t control_port;
	const char *port_file;
	bool die_with_parent;
} Options;

static const PipePlan harmless = {.cut = {-1, -1}, .corrupt = {-1, -1}};

static const char usage[] =
	"usage: ktproxy --target PORT [OPTION]...\n"
	"A TCP proxy on 127.0.0.1 that breaks connections on request, for tests.\n\n"
	"  --target PORT         forward to this port of 127.0.0.1\n"
	"  --port N              listen here, 0 for any (0)\n"
	"  --control-port N      take orders here, 0 for any (0)\n"
	"  --port-file FILE      write both ports here once listening, a line each\n"
	"  --die-with-parent     end when the parent process does\n"
	"  --help                show this\n";

static int
open_bound(uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
		bind(fd, (struct sockaddr *) &in, sizeof(in)) != 0)
		sim_fatal("could not take port %u: %s", port, strerror(errno));
	return fd;
}

static uint16_t
port_of(int fd)
{
	struct sockaddr_in in;
	socklen_t len = sizeof(in);

	if (getsockname(fd, (struct sockaddr *) &in, &len) != 0)
		sim_fatal("could not learn the port: %s", strerror(errno));
	return ntohs(in.sin_port);
}

/*
 * A port of the kernel's choice is asked for by number all the same: only then
 * does it stay ours in open_or_shut().
 */
static int
open_listener(uint16_t port)
{
	int chosen = port == 0 ? open_bound(0) : -1;
	int fd = open_bound(port == 0 ? port_of(chosen) : port);

	if (chosen >= 0)
		close(chosen);
	if (listen(fd, SOMAXCONN) != 0)
		sim_fatal("could not listen: %s", strerror(errno));
	return fd;
}

/* Orders */

/* NAME=VALUE, into the proxy that is to become ours; false: not understood. */
static bool
set_one(Proxy *next, char *assignment)
{
	const struct
	{
		const char *name;
		int64_t *number; /* or */
		bool *flag;
	} settings[] = {
		{"cut_up", &next->plan.cut[PIPE_UP], NULL},
		{"cut_down", &next->plan.cut[PIPE_DOWN], NULL},
		{"corrupt_up", &next->plan.corrupt[PIPE_UP], NULL},
		{"corrupt_down", &next->plan.corrupt[PIPE_DOWN], NULL},
		{"throttle", &next->plan.throttle, NULL},
		{"delay_ms", &next->plan.delay_ms, NULL},
		{"reset", NULL, &next->plan.cut_reset},
		{"blackhole", NULL, &next->plan.blackhole},
		{"refuse", NULL, &next->refuse},
		{"once", NULL, &next->once},
	};
	char *value = strchr(assignment, '=');
	int none_allowed;
	char *end;
	long long number;

	if (value == NULL)
		return false;
	*value++ = '\0';
	errno = 0;
	number = strtoll(value, &end, 10);
	none_allowed = strncmp(assignment, "cut", 3) == 0 || strncmp(assignment, "corrupt", 7) == 0;
	if (end == value || *end != '\0' || errno != 0 || number < -none_allowed || number > INT32_MAX)
		return false;
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
	{
		if (strcmp(assignment, settings[i].name) != 0)
			continue;
		if (settings[i].number != NULL)
			*settings[i].number = number;
		else
			*settings[i].flag = number != 0;
		return true;
	}
	return false;
}

/*
 * The port stays ours while it does not listen: on Linux, shutdown() takes a
 * listening socket back to where bind() had left it.
 */
static void
open_or_shut(const Proxy *proxy, bool refused_before)
{
	if (proxy->refuse && !refused_before)
		shutdown(proxy->listen_fd, SHUT_RD);
	else if (!proxy->refuse && refused_before && listen(proxy->listen_fd, SOMAXCONN) != 0)
		sim_fatal("could not listen again: %s", strerror(errno));
}

/* All of the changes, or none.  Those for good reach connections that live. */
static bool
set_all(Proxy *proxy, char *words)
{
	Proxy next = *proxy;
	char *word;

	while ((word = strsep(&words, " ")) != NULL)
		if (word[0] != '\0' && !set_one(&next, word))
			return false;
	open_or_shut(&next, proxy->refuse);
	*proxy = next;
	for (Pipe *pipe = proxy->pipes; pipe != NULL && !proxy->once; pipe = pipe->next)
		pipe->plan = proxy->plan;
	return true;
}

static void
heal(Proxy *proxy)
{
	char words[] = "refuse=0 once=0";

	proxy->plan = harmless;
	set_all(proxy, words);
}

/* All connections that live, now. */
static void
cut_all(Proxy *proxy, bool reset)
{
	uint64_t now_us = sim_clock_us();
	Pipe **link = &proxy->pipes;

	while (*link != NULL)
	{
		Pipe *pipe = *link;

		proxy->counts.cuts += pipe->give_up_us == 0;
		if (pipe_cut(pipe, reset, now_us))
		{
			link = &pipe->next;
			continue;
		}
		*link = pipe->next;
		pipe_close(pipe);
		proxy->counts.live--;
	}
}

static int
print_stats(const PipeCounts *counts, char *answer, size_t size)
{
	return snprintf(answer, size,
					"{\"connections\":%" PRIu64 ",\"live\":%" PRIu64 ",\"cuts\":%" PRIu64
					",\"corrupted\":%" PRIu64 ",\"bytes_up\":%" PRIu64 ",\"bytes_down\":%" PRIu64
					"}\n",
					counts->connections, counts->live, counts->cuts, counts->corrupted,
					counts->bytes[PIPE_UP], counts->bytes[PIPE_DOWN]);
}

static int
obey(Proxy *proxy, char *order, char *answer, size_t size)
{
	bool done = true;

	if (strcmp(order, "stats") == 0)
		return print_stats(&proxy->counts, answer, size);
	if (strncmp(order, "set ", 4) == 0)
		done = set_all(proxy, order + 4);
	else if (strcmp(order, "heal") == 0)
		heal(proxy);
	else if (strcmp(order, "cut") == 0 || strcmp(order, "cut reset") == 0)
		cut_all(proxy, strcmp(order, "cut reset") == 0);
	else
		done = false;
	return snprintf(answer, size, done ? "ok\n" : "error\n");
}

/* One line, one answer.  Who gives an order gives it at once: we wait for it. */
static void
take_order(Proxy *proxy)
{
	struct timeval patience = {.tv_sec = 1};
	int fd = accept4(proxy->control_fd, NULL, NULL, SOCK_CLOEXEC);
	char order[ORDER_MAX];
	char answer[ORDER_MAX];
	size_t len = 0;
	ssize_t got;
	char *end = NULL;

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	while (end == NULL && len < sizeof(order) &&
		   (got = recv(fd, order + len, sizeof(order) - len, 0)) > 0)
	{
		len += (size_t) got;
		end = memchr(order, '\n', len);
	}
	if (end != NULL)
	{
		*end = '\0';
		send(fd, answer, (size_t) obey(proxy, order, answer, sizeof(answer)), MSG_NOSIGNAL);
	}
	close(fd);
}

/* Connections */

static void
take_clients(Proxy *proxy)
{
	int fd;

	while ((fd = accept4(proxy->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
	{
		Pipe *pipe = pipe_open(fd, proxy->target, &proxy->plan);

		proxy->counts.connections++;
		if (proxy->once)
		{
			proxy->plan = harmless;
			proxy->once = false;
		}
		if (pipe == NULL)
			continue;
		pipe->next = proxy->pipes;
		proxy->pipes = pipe;
		proxy->counts.live++;
	}
}

static void
work_pipes(Proxy *proxy)
{
	uint64_t now_us = sim_clock_us();
	Pipe **link = &proxy->pipes;

	while (*link != NULL)
	{
		Pipe *pipe = *link;

		if ((!pipe->woken && now_us < pipe->due_us) || pipe_work(pipe, &proxy->counts, now_us))
		{
			link = &pipe->next;
			continue;
		}
		*link = pipe->next;
		pipe_close(pipe);
		proxy->counts.live--;
	}
}

/* Fills in what to wait for; the answer is how long, in ms, or -1. */
static int
prepare(Proxy *proxy, struct pollfd *fds)
{
	uint64_t now_us = sim_clock_us();
	uint64_t until_us = UINT64_MAX;
	size_t at = FIXED_FDS;

	fds[0] = (struct pollfd){.fd = proxy->signal_fd, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = proxy->control_fd, .events = POLLIN};
	fds[2] = (struct pollfd){.fd = proxy->refuse ? -1 : proxy->listen_fd, .events = POLLIN};
	for (Pipe *pipe = proxy->pipes; pipe != NULL; pipe = pipe->next, at += PIPE_WAYS)
	{
		pipe_interest(pipe, fds + at, now_us);
		if (pipe->due_us < until_us)
			until_us = pipe->due_us;
	}
	if (until_us == UINT64_MAX)
		return -1;
	return until_us > now_us ? (int) ((until_us - now_us + 999) / 1000) : 0;
}

/* In the order of prepare(), so before anything is added or removed. */
static void
wake_pipes(Proxy *proxy, const struct pollfd *fds)
{
	fds += FIXED_FDS;
	for (Pipe *pipe = proxy->pipes; pipe != NULL; pipe = pipe->next, fds += PIPE_WAYS)
		pipe_wake(pipe, fds);
}

static void
loop(Proxy *proxy)
{
	struct pollfd *fds = NULL;

	do
	{
		size_t count = FIXED_FDS + proxy->counts.live * PIPE_WAYS;
		int wait_ms;

		fds = sim_resize(fds, count * sizeof(struct pollfd));
		wait_ms = prepare(proxy, fds);
		if (poll(fds, count, wait_ms) < 0 && errno != EINTR)
			sim_fatal("could not wait: %s", strerror(errno));
		wake_pipes(proxy, fds);
		if (fds[1].revents != 0)
			take_order(proxy);
		if (fds[2].revents != 0 && !proxy->refuse)
			take_clients(proxy);
		work_pipes(proxy);
	} while (fds[0].revents == 0);
	free(fds);
}

static uint16_t
parse_port(const char *option)
{
	return (uint16_t) sim_parse_number(option, optarg, UINT16_MAX);
}

static void
parse_options(int argc, char **argv, Options *options)
{
	static const struct option known[] = {{"target", required_argument, NULL, 't'},
										  {"port", required_argument, NULL, 'p'},
										  {"control-port", required_argument, NULL, 'c'},
										  {"port-file", required_argument, NULL, 'f'},
										  {"die-with-parent", no_argument, NULL, 'd'},
										  {"help", no_argument, NULL, 'h'},
										  {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
	{
		if (option == 't')
			options->target = parse_port("target");
		else if (option == 'p')
			options->port = parse_port("port");
		else if (option == 'c')
			options->control_port = parse_port("control-port");
		else if (option == 'f')
			options->port_file = optarg;
		else if (option == 'd')
			options->die_with_parent = true;
		else
		{
			fputs(usage, option == 'h' ? stdout : stderr);
			exit(option == 'h' ? 0 : 2);
		}
	}
	if (optind < argc || options->target == 0)
		sim_fatal("--target PORT is needed, and nothing besides options");
}

int
main(int argc, char **argv)
{
	Options options = {0};
	Proxy proxy = {.plan = harmless};
	pid_t parent = getppid();
	char ports[32];

	parse_options(argc, argv, &options);
	if (options.die_with_parent)
		sim_die_with_parent(parent);
	sim_raise_file_limit();
	proxy.target = options.target;
	proxy.signal_fd = sim_open_signals();
	proxy.listen_fd = open_listener(options.port);
	proxy.control_fd = open_listener(options.control_port);
	snprintf(ports, sizeof(ports), "%u\n%u\n", port_of(proxy.listen_fd), port_of(proxy.control_fd));
	if (options.port_file != NULL)
		sim_write_port_file(options.port_file, ports);

	loop(&proxy);

	cut_all(&proxy, true);
	close(proxy.listen_fd);
	close(proxy.control_fd);
	close(proxy.signal_fd);
	return 0;
}
