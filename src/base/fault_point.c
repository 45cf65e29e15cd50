/*
 * fault_point.c
 *		Fault points of test builds, driven by a file in the data directory.
 *
 * The file rcs_fault holds one line: POINT ACTION [SKIP].  The SKIP + 1st time
 * that a process passes the point, it takes the file away, so that a fault
 * happens once in a server, and then does what it says:
 *	kill		SIGKILL to itself, as the kernel or an operator would
 *	error		raises an error
 *	sleep		for three seconds, deaf to everything
 *	wait		until a file rcs_fault_go is there
 *	alloc		tells a preloaded library (t/delivery/torture.pl) to let the SKIP + 1st
 *				allocation from here fail
 * "POINT late" is no event: as long as the file says so, the step at that point is put
 * off.  This file must not know the places that call it.
 */
#include "postgres.h"

#include "base/fault_point.h"

#ifdef RCS_FAULTS

#include <dlfcn.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "miscadmin.h"

#define FAULT_FILE "rcs_fault"
#define GO_FILE "rcs_fault_go"

static int passed = 0;

static bool
read_fault(char point[32], char action[16], int *skip)
{
	FILE *f = fopen(FAULT_FILE, "r");
	int n;

	if (f == NULL)
	{
		passed = 0;
		return false;
	}
	*skip = 0;
	n = fscanf(f, "%31s %15s %d", point, action, skip);
	fclose(f);
	return n >= 2;
}

static void
wait_for_go(void)
{
	struct stat st;

	while (stat(GO_FILE, &st) != 0)
	{
		CHECK_FOR_INTERRUPTS();
		pg_usleep(10000);
	}
	unlink(GO_FILE);
}

static void
run_short_of_memory(int allocation)
{
	void (*shortage_after)(int) = (void (*)(int)) dlsym(RTLD_DEFAULT, "rcs_shortage_after");

	if (shortage_after != NULL)
		shortage_after(allocation);
}

void
rcs_fault(const char *here)
{
	char point[32];
	char action[16];
	int skip;

	if (!read_fault(point, action, &skip) || strcmp(point, here) != 0 ||
		strcmp(action, "late") == 0)
		return;
	if (strcmp(action, "alloc") != 0 && passed++ < skip)
		return;
	passed = 0;
	if (unlink(FAULT_FILE) != 0)
		return; /* another process was first */
	ereport(LOG, (errmsg("fault point %s: %s", here, action)));
	if (strcmp(action, "kill") == 0)
		kill(getpid(), SIGKILL);
	else if (strcmp(action, "error") == 0)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("fault point %s", here)));
	else if (strcmp(action, "sleep") == 0)
		pg_usleep(3000000L);
	else if (strcmp(action, "wait") == 0)
		wait_for_go();
	else if (strcmp(action, "alloc") == 0)
		run_short_of_memory(skip);
}

/* True: the step at this point is put off. */
bool
rcs_fault_late(const char *here)
{
	char point[32];
	char action[16];
	int skip;

	return read_fault(point, action, &skip) && strcmp(point, here) == 0 &&
		   strcmp(action, "late") == 0;
}

#endif /* RCS_FAULTS */
