/*
 * process.c
 *	  What any of these programs does around its work: options, signals, an end.
 *
 * Knows nothing of that work.
 */
#define _GNU_SOURCE
#include "process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "util.h"

#define FILES_WANTED 8192

uint64_t
sim_parse_number(const char *name, const char *text, uint64_t max)
{
	char *end;
	uint64_t number;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number > max)
		sim_fatal("bad value for --%s: \"%s\"", name, text);
	return number;
}

/* The parent may be gone before we ask to be told, hence the second look. */
void
sim_die_with_parent(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
		sim_fatal("could not tie this process to its parent: %s", strerror(errno));
	if (getppid() != parent)
		exit(0);
}

void
sim_raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= FILES_WANTED)
		return;
	limit.rlim_cur = limit.rlim_max < FILES_WANTED ? limit.rlim_max : FILES_WANTED;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Signals become readable, so that they are handled between two turns only. */
int
sim_open_signals(void)
{
	sigset_t signals;
	int fd;

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

/* By rename, so that a reader sees the whole text or no file. */
void
sim_write_port_file(const char *path, const char *text)
{
	char temporary[4096];
	FILE *file;

	if (snprintf(temporary, sizeof(temporary), "%s.tmp", path) >= (int) sizeof(temporary))
		sim_fatal("the name of the port file is too long");
	file = fopen(temporary, "we");
	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0 || rename(temporary, path) != 0)
		sim_fatal("could not write \"%s\": %s", path, strerror(errno));
}

/* The whole of it, as a string. */
char *
sim_read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	if (file == NULL || getdelim(&text, &size, '\0', file) < 0)
		sim_fatal("could not read \"%s\": %s", path, strerror(errno));
	fclose(file);
	return text;
}
