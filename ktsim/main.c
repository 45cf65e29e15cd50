/*
 * main.c
 *	  The command line, the event loop, and an orderly end.
 *
 * Knows which parts there are and how to wire them; nothing of what they do.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "server.h"

#define FILES_WANTED 8192
#define DEFAULT_ACCOUNT "ktsim:ktsim"

typedef struct Options
{
	const char *address;
	uint16_t	port;
	const char *port_file;
	const char *ledger;
	const char *bodies;
	bool		die_with_parent;
} Options;

static const char usage[] =
	"usage: ktsim [OPTION]...\n"
	"A stand-in for the carrier's relay, for tests and rehearsals.\n\n"
	"  --listen ADDRESS      IPv4 address (127.0.0.1)\n"
	"  --port N              port, 0 for any (0)\n"
	"  --port-file FILE      write the port here once listening\n"
	"  --account ID:SECRET[:RATE_PER_MINUTE]\n"
	"                        a customer; may be repeated (" DEFAULT_ACCOUNT ")\n"
	"  --chatbot ID          a known chatbot; may be repeated (all are known)\n"
	"  --token-ttl SECONDS   life of a token (6000)\n"
	"  --ledger FILE         append a line for each offer\n"
	"  --dump-bodies FILE    append the body of each offer\n"
	"  --latency-ms N        the same as --set latency_ms=N\n"
	"  --seed N              the same as --set seed=N\n"
	"  --set NAME=VALUE      set a switch, see README.md; may be repeated\n"
	"  --die-with-parent     end when the parent process does\n"
	"  --help                show this\n";

static uint64_t
parse_number(const char *name, const char *text, uint64_t max)
{
	char	   *end;
	uint64_t	number;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number > max)
		sim_fatal("bad value for --%s: \"%s\"", name, text);
	return number;
}

static void
set_switch(Sim *sim, const char *assignment)
{
	char		problem[128];

	if (!sim_switches_set_text(&sim->switches, assignment, problem, sizeof(problem)))
		sim_fatal("%s", problem);
}

static void
set_named_switch(Sim *sim, const char *name, const char *value)
{
	char		assignment[64];

	snprintf(assignment, sizeof(assignment), "%s=%s", name, value);
	set_switch(sim, assignment);
}

static void
add_chatbot(Sim *sim, const char *id)
{
	if (sim->chatbots == NULL)
		sim->chatbots = json_object();
	json_object_set_new(sim->chatbots, id, json_true());
}

static void
apply_option(int option, Options *options, Sim *sim)
{
	switch (option)
	{
		case 'i':
			options->address = optarg;
			break;
		case 'p':
			options->port = (uint16_t) parse_number("port", optarg, UINT16_MAX);
			break;
		case 'f':
			options->port_file = optarg;
			break;
		case 'a':
			sim_account_add(&sim->accounts, optarg);
			break;
		case 'c':
			add_chatbot(sim, optarg);
			break;
		case 't':
			sim->accounts.token_ttl_s = parse_number("token-ttl", optarg, UINT32_MAX);
			break;
		case 'l':
			options->ledger = optarg;
			break;
		case 'b':
			options->bodies = optarg;
			break;
		case 'w':
			set_named_switch(sim, "latency_ms", optarg);
			break;
		case 'r':
			set_named_switch(sim, "seed", optarg);
			break;
		case 's':
			set_switch(sim, optarg);
			break;
		case 'd':
			options->die_with_parent = true;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			fputs(usage, stderr);
			exit(2);
	}
}

static void
parse_options(int argc, char **argv, Options *options, Sim *sim)
{
	static const struct option known[] = {
		{"listen", required_argument, NULL, 'i'},
		{"port", required_argument, NULL, 'p'},
		{"port-file", required_argument, NULL, 'f'},
		{"account", required_argument, NULL, 'a'},
		{"chatbot", required_argument, NULL, 'c'},
		{"token-ttl", required_argument, NULL, 't'},
		{"ledger", required_argument, NULL, 'l'},
		{"dump-bodies", required_argument, NULL, 'b'},
		{"latency-ms", required_argument, NULL, 'w'},
		{"seed", required_argument, NULL, 'r'},
		{"set", required_argument, NULL, 's'},
		{"die-with-parent", no_argument, NULL, 'd'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0}
	};
	int			option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
		apply_option(option, options, sim);
	if (optind < argc)
		sim_fatal("unexpected argument \"%s\"", argv[optind]);
	if (sim->accounts.first == NULL)
		sim_account_add(&sim->accounts, DEFAULT_ACCOUNT);
}

/* The parent may be gone before we ask to be told, hence the second look. */
static void
die_with_parent(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
		sim_fatal("could not tie this process to its parent: %s", strerror(errno));
	if (getppid() != parent)
		exit(0);
}

static void
raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= FILES_WANTED)
		return;
	limit.rlim_cur = limit.rlim_max < FILES_WANTED ? limit.rlim_max : FILES_WANTED;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Signals become readable, so that they are handled between two turns only. */
static int
open_signals(void)
{
	sigset_t	signals;
	int			fd;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	fd = signalfd(-1, &signals, SFD_CLOEXEC);
	if (fd < 0)
		sim_fatal("could not listen to signals: %s", strerror(errno));
	return fd;
}

/* By rename, so that a reader sees the whole number or no file. */
static void
write_port_file(const char *path, uint16_t port)
{
	char		temporary[4096];
	FILE	   *file;

	if (snprintf(temporary, sizeof(temporary), "%s.tmp", path) >= (int) sizeof(temporary))
		sim_fatal("the name of the port file is too long");
	file = fopen(temporary, "we");
	if (file == NULL || fprintf(file, "%u\n", port) < 0 || fclose(file) != 0 ||
		rename(temporary, path) != 0)
		sim_fatal("could not write \"%s\": %s", path, strerror(errno));
}

static void
loop(SimServer *server, int signal_fd)
{
	struct pollfd fds[2] = {
		{.fd = signal_fd, .events = POLLIN},
		{.fd = server->epoll_fd, .events = POLLIN}
	};

	while (!(fds[0].revents & POLLIN))
	{
		uint64_t	wait_us = sim_server_wait_us(server);
		struct timespec wait = {
			.tv_sec = (time_t) (wait_us / 1000000),
			.tv_nsec = (long) (wait_us % 1000000) * 1000
		};

		if (ppoll(fds, 2, wait_us == UINT64_MAX ? NULL : &wait, NULL) < 0 && errno != EINTR)
			sim_fatal("could not wait: %s", strerror(errno));
		sim_server_run(server);
	}
}

int
main(int argc, char **argv)
{
	static Sim	sim;
	SimServer	server = {0};
	Options		options = {.address = "127.0.0.1"};
	pid_t		parent = getppid();
	int			signal_fd;

	sim.accounts.token_ttl_s = 6000;
	sim_switches_init(&sim.switches);
	parse_options(argc, argv, &options, &sim);
	if (options.die_with_parent)
		die_with_parent(parent);
	raise_file_limit();
	signal_fd = open_signals();
	sim.random.state = (uint64_t) sim.switches.seed;
	sim.switches.expire_tokens = false;	/* none issued yet */
	sim_ledger_open(&sim.ledger, options.ledger, options.bodies, &sim.ids);
	sim_server_start(&server, &sim, options.address, options.port);
	if (options.port_file != NULL)
		write_port_file(options.port_file, sim_server_port(&server));
	fprintf(stderr, "ktsim: listening on %s port %u\n", options.address, sim_server_port(&server));

	loop(&server, signal_fd);

	sim_server_stop(&server);
	sim_ledger_close(&sim.ledger);
	sim_answers_free();
	sim_accounts_free(&sim.accounts);
	sim_ids_free(&sim.ids);
	sim_switches_free(&sim.switches);
	json_decref(sim.chatbots);
	close(signal_fd);
	return 0;
}
