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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process.h"
#include "server.h"
#include "wire.h"

#define DEFAULT_ACCOUNT "ktsim:ktsim"

typedef struct Options
{
	const char *address;
	uint16_t port;
	const char *port_file;
	const char *ledger;
	const char *bodies;
	const char *file_ledger;
	const char *push_ledger;
	int query_port; /* -1: none */
	const char *tls_cert;
	const char *tls_key;
	const char *tls_ca;
	bool die_with_parent;
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
	"  --file-ledger FILE    append a line for each upload\n"
	"  --push-ledger FILE    append a line for each report and inbound message\n"
	"  --push-url URL, --mo-url URL\n"
	"                        where reports and inbound messages are pushed\n"
	"  --push-authorization TEXT\n"
	"                        header Authorization of these pushes\n"
	"  --push-ca FILE        certificates to trust when pushing by https\n"
	"  --query-port N        reports are asked for on this port only\n"
	"  --dump-bodies FILE    append the body of each offer\n"
	"  --latency-ms N        the same as --set latency_ms=N\n"
	"  --seed N              the same as --set seed=N\n"
	"  --set NAME=VALUE      set a switch, see README.md; may be repeated\n"
	"  --tls-cert FILE, --tls-key FILE\n"
	"                        speak TLS with this certificate and key (PEM)\n"
	"  --tls-ca FILE         more certificates to send, after that one\n"
	"  --die-with-parent     end when the parent process does\n"
	"  --help                show this\n";

static void
set_switch(Sim *sim, const char *assignment)
{
	char problem[128];

	if (!sim_switches_set_text(&sim->switches, assignment, problem, sizeof(problem)))
		sim_fatal("%s", problem);
}

static void
set_named_switch(Sim *sim, const char *name, const char *value)
{
	char assignment[64];

	snprintf(assignment, sizeof(assignment), "%s=%s", name, value);
	set_switch(sim, assignment);
}

static void
set_text_switch(Sim *sim, const char *name, const char *value)
{
	json_t *change = json_pack("{s:s}", name, value);
	char problem[128];

	if (change == NULL || !sim_switches_set(&sim->switches, change, problem, sizeof(problem)))
		sim_fatal("bad value for \"%s\"", name);
	json_decref(change);
}

/* With a place to push to, reports are pushed unless a switch says otherwise. */
static void
set_push_url(Sim *sim, const char *url)
{
	set_text_switch(sim, "push_url", url);
	if (sim->switches.report_mode == SIM_MODE_NONE)
		sim->switches.report_mode = SIM_MODE_PUSH;
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
			options->port = (uint16_t) sim_parse_number("port", optarg, UINT16_MAX);
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
			set_named_switch(sim, "token_ttl_s", optarg);
			break;
		case 'l':
			options->ledger = optarg;
			break;
		case 'u':
			options->file_ledger = optarg;
			break;
		case 'P':
			options->push_ledger = optarg;
			break;
		case 'U':
			set_push_url(sim, optarg);
			break;
		case 'M':
			set_text_switch(sim, "mo_url", optarg);
			break;
		case 'Z':
			set_text_switch(sim, "push_authorization", optarg);
			break;
		case 'T':
			sim->push.ca_file = optarg;
			break;
		case 'q':
			options->query_port = (int) sim_parse_number("query-port", optarg, UINT16_MAX);
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
		case 'C':
			options->tls_cert = optarg;
			break;
		case 'K':
			options->tls_key = optarg;
			break;
		case 'A':
			options->tls_ca = optarg;
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
	static const struct option known[] = {{"listen", required_argument, NULL, 'i'},
										  {"port", required_argument, NULL, 'p'},
										  {"port-file", required_argument, NULL, 'f'},
										  {"account", required_argument, NULL, 'a'},
										  {"chatbot", required_argument, NULL, 'c'},
										  {"token-ttl", required_argument, NULL, 't'},
										  {"ledger", required_argument, NULL, 'l'},
										  {"file-ledger", required_argument, NULL, 'u'},
										  {"push-ledger", required_argument, NULL, 'P'},
										  {"push-url", required_argument, NULL, 'U'},
										  {"mo-url", required_argument, NULL, 'M'},
										  {"push-authorization", required_argument, NULL, 'Z'},
										  {"push-ca", required_argument, NULL, 'T'},
										  {"query-port", required_argument, NULL, 'q'},
										  {"dump-bodies", required_argument, NULL, 'b'},
										  {"latency-ms", required_argument, NULL, 'w'},
										  {"seed", required_argument, NULL, 'r'},
										  {"set", required_argument, NULL, 's'},
										  {"tls-cert", required_argument, NULL, 'C'},
										  {"tls-key", required_argument, NULL, 'K'},
										  {"tls-ca", required_argument, NULL, 'A'},
										  {"die-with-parent", no_argument, NULL, 'd'},
										  {"help", no_argument, NULL, 'h'},
										  {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
		apply_option(option, options, sim);
	if (optind < argc)
		sim_fatal("unexpected argument \"%s\"", argv[optind]);
	if ((options->tls_cert == NULL) != (options->tls_key == NULL) ||
		(options->tls_ca != NULL && options->tls_cert == NULL))
		sim_fatal("--tls-cert and --tls-key go together, and --tls-ca with them");
	if (sim->accounts.first == NULL)
		sim_account_add(&sim->accounts, DEFAULT_ACCOUNT);
}

/* The chain is the certificate and what --tls-ca adds to it. */
static SimTls
load_tls(const Options *options)
{
	SimTls tls = {0};

	if (options->tls_cert == NULL)
		return tls;
	tls.chain = sim_read_file(options->tls_cert);
	tls.key = sim_read_file(options->tls_key);
	if (options->tls_ca != NULL)
	{
		char *more = sim_read_file(options->tls_ca);
		size_t len = strlen(tls.chain);

		tls.chain = sim_resize(tls.chain, len + strlen(more) + 2);
		tls.chain[len] = '\n';
		memcpy(tls.chain + len + 1, more, strlen(more) + 1);
		free(more);
	}
	return tls;
}

static void
announce(const Options *options, const SimServer *server, const SimServer *query)
{
	uint16_t port = sim_server_port(server);
	char line[32];

	if (query != NULL)
		snprintf(line, sizeof(line), "%u\n%u\n", port, sim_server_port(query));
	else
		snprintf(line, sizeof(line), "%u\n", port);
	if (options->port_file != NULL)
		sim_write_port_file(options->port_file, line);
	fprintf(stderr, "ktsim: listening on %s port %u\n", options->address, port);
}

static uint64_t
sooner(uint64_t left, uint64_t right)
{
	return left < right ? left : right;
}

/* How long until something is to be done that no file descriptor tells of. */
static uint64_t
wait_us_of(const Sim *sim, const SimServer *server, const SimServer *query)
{
	uint64_t now_us = sim_clock_us();
	uint64_t due_us = sooner(sim_delays_next(&sim->reports.due), sim_push_next(&sim->push));
	uint64_t wait_us = sim_server_wait_us(server);

	if (query != NULL)
		wait_us = sooner(wait_us, sim_server_wait_us(query));
	if (due_us == UINT64_MAX)
		return wait_us;
	return sooner(wait_us, due_us > now_us ? due_us - now_us : 0);
}

static void
loop(Sim *sim, SimServer *server, SimServer *query, int signal_fd)
{
	struct pollfd fds[4] = {{.fd = signal_fd, .events = POLLIN},
							{.fd = server->epoll_fd, .events = POLLIN},
							{.fd = sim->push.epoll_fd, .events = POLLIN},
							{.fd = query ? query->epoll_fd : -1, .events = POLLIN}};

	while (!(fds[0].revents & POLLIN))
	{
		uint64_t wait_us = wait_us_of(sim, server, query);
		struct timespec wait = {.tv_sec = (time_t) (wait_us / 1000000),
								.tv_nsec = (long) (wait_us % 1000000) * 1000};

		if (ppoll(fds, 4, wait_us == UINT64_MAX ? NULL : &wait, NULL) < 0 && errno != EINTR)
			sim_fatal("could not wait: %s", strerror(errno));
		sim_server_run(server);
		if (query != NULL)
			sim_server_run(query);
		sim_reports_run(sim);
		sim_push_run(&sim->push);
	}
}

int
main(int argc, char **argv)
{
	static Sim sim;
	SimServer server = {0};
	SimServer query_server = {.role = SIM_QUERY_ONLY};
	SimServer *query = NULL;
	Options options = {.address = "127.0.0.1", .query_port = -1};
	SimTls tls;
	pid_t parent = getppid();
	int signal_fd;

	sim_switches_init(&sim.switches);
	parse_options(argc, argv, &options, &sim);
	if (options.die_with_parent)
		sim_die_with_parent(parent);
	sim_raise_file_limit();
	signal_fd = sim_open_signals();
	sim_seed(&sim);
	sim.switches.expire_tokens = false; /* none issued yet */
	sim.switches.expire_files = false;
	sim_ledger_open(&sim.ledger, options.ledger, options.bodies, &sim.ids);
	sim_file_ledger_open(&sim.file_ledger, options.file_ledger, &sim.files);
	tls = load_tls(&options);
	sim_push_start(&sim.push, &sim.switches, options.push_ledger);
	if (options.query_port >= 0)
	{
		query = &query_server;
		server.role = SIM_BUT_QUERY;
		sim_server_start(query, &sim, options.address, (uint16_t) options.query_port, &tls);
	}
	sim_server_start(&server, &sim, options.address, options.port, &tls);
	announce(&options, &server, query);

	loop(&sim, &server, query, signal_fd);

	sim_server_stop(&server);
	if (query != NULL)
		sim_server_stop(query);
	sim_push_stop(&sim.push);
	sim_reports_free(&sim.reports);
	sim_inbounds_free(&sim.inbound);
	sim_ledger_close(&sim.ledger);
	sim_file_ledger_close(&sim.file_ledger);
	sim_answers_free();
	sim_odd_free();
	sim_wire_free();
	sim_accounts_free(&sim.accounts);
	sim_ids_free(&sim.ids);
	sim_files_free(&sim.files);
	sim_switches_free(&sim.switches);
	json_decref(sim.chatbots);
	free(tls.chain);
	free(tls.key);
	close(signal_fd);
	return 0;
}
