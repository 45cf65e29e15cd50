/*
 * evloop.c
 *	  The wait for sockets.  It ends with the latch and with the postmaster too,
 *	  and serves interrupts at once.
 *
 * A WaitEventSet cannot drop a socket, hence the private epoll set: sockets
 * come and go there, and its one descriptor stands in the WaitEventSet.
 *
 * Must not know whose sockets these are: no curl, no HTTP, no SQL.
 */
#include "postgres.h"

#ifndef __linux__
#error "rcs waits with epoll, which only Linux has"
#endif

#include <sys/epoll.h>
#include <unistd.h>

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/latch.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#include "base/evloop.h"
#include "base/pg_compat.h"

/*
 * A descriptor: the events that are wanted, and the events that the kernel has been
 * told.  The kernel is told about an adopted one only before the next look at the poll
 * set, and then only if an event could be missed or would repeat for ever: an idle
 * connection that is used again costs no system call.
 */
typedef struct Watch
{
	uint8 want;
	uint8 have;
	bool adopted;
	bool stale; /* is in the list "stale_fds" */
} Watch;

static WaitEventSet *wait_set = NULL;
static int poll_fd = -1;
static uint32 wait_event;

/* malloc'd: grown inside callbacks of foreign libraries, which must not raise */
static Watch *watches = NULL;
static int *stale_fds = NULL;
static int n_watches = 0;
static int n_stale = 0;

void
rcs_evloop_init(void)
{
	if (wait_set != NULL)
		return;

	if (!AcquireExternalFD())
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_RESOURCES),
						errmsg("could not get a descriptor to wait for connections"),
						errhint("Raise max_files_per_process.")));
	poll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (poll_fd < 0)
	{
		ReleaseExternalFD();
		ereport(ERROR, (errcode_for_socket_access(), errmsg("could not create a poll set: %m")));
	}

	wait_event = RcsWaitEvent("RcsNetwork");
	wait_set = RcsCreateWaitEventSet(3);
	AddWaitEventToSet(wait_set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(wait_set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
	AddWaitEventToSet(wait_set, WL_SOCKET_READABLE, poll_fd, NULL, NULL);
}

/* ---------- what the kernel knows ---------- */

static bool
tell_kernel(int fd, Watch *w)
{
	struct epoll_event event = {0};
	int op;

	if (w->want == w->have)
		return true;
	event.data.fd = fd;
	event.events =
		((w->want & RCS_EV_READ) ? EPOLLIN : 0) | ((w->want & RCS_EV_WRITE) ? EPOLLOUT : 0);
	op = w->want == 0 ? EPOLL_CTL_DEL : w->have == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
	w->have = w->want;

	if (epoll_ctl(poll_fd, op, fd, &event) == 0)
		return true;

	/* closed and opened again behind our back: the kernel is right */
	if (op == EPOLL_CTL_DEL)
		return true;
	if (errno == ENOENT && epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
		return true;
	if (errno == EEXIST && epoll_ctl(poll_fd, EPOLL_CTL_MOD, fd, &event) == 0)
		return true;
	w->have = 0;
	return false;
}

/*
 * READ stays registered when it is not wanted any more.  That is harmless: nothing
 * arrives on an idle connection, and if it does, rcs_evloop_ready() takes it out.
 */
static void
tell_kernel_all(void)
{
	for (int i = 0; i < n_stale; i++)
	{
		Watch *w = &watches[stale_fds[i]];

		w->stale = false;
		if (w->adopted && !(w->want == 0 && w->have == RCS_EV_READ))
			(void) tell_kernel(stale_fds[i], w);
	}
	n_stale = 0;
}

/* ---------- waiting ---------- */

/* For functions that users call, whose transaction is open anyway. */
void
rcs_evloop_wait_in_transaction(long timeout_ms)
{
	WaitEvent event;

	tell_kernel_all();
	(void) WaitEventSetWait(wait_set, timeout_ms, &event, 1, wait_event);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/* No transaction may be open: it would be held for as long as a peer likes. */
void
rcs_evloop_wait(long timeout_ms)
{
	Assert(!IsTransactionState());
	rcs_evloop_wait_in_transaction(timeout_ms);
}

/* ---------- the poll set ---------- */

static bool
make_room(int fd)
{
	int n = Max(n_watches, 256);
	Watch *w;
	int *s;

	if (fd < 0)
		return false;
	if (fd < n_watches)
		return true;
	while (n <= fd)
		n *= 2;

	/* each descriptor stands at most once in stale_fds, so n is enough */
	s = realloc(stale_fds, n * sizeof(int));
	if (s == NULL)
		return false;
	stale_fds = s;
	w = realloc(watches, n * sizeof(Watch));
	if (w == NULL)
		return false;
	memset(w + n_watches, 0, (n - n_watches) * sizeof(Watch));
	watches = w;
	n_watches = n;
	return true;
}

bool
rcs_evloop_adopt(int fd)
{
	if (!make_room(fd))
		return false;
	watches[fd].want = 0;
	watches[fd].have = 0;
	watches[fd].adopted = true;
	return true;
}

bool
rcs_evloop_watch(int fd, int what)
{
	Watch *w;

	if (!make_room(fd))
		return false;
	w = &watches[fd];
	w->want = (uint8) (what & (RCS_EV_READ | RCS_EV_WRITE));
	if (!w->adopted)
		return tell_kernel(fd, w);
	if (!w->stale)
	{
		w->stale = true;
		stale_fds[n_stale++] = fd;
	}
	return true;
}

/* The kernel drops a closed descriptor by itself; only our note of it goes. */
void
rcs_evloop_forget(int fd)
{
	if (fd < 0 || fd >= n_watches)
		return;
	watches[fd].want = 0;
	watches[fd].have = 0;
	watches[fd].adopted = false;
}

int
rcs_evloop_ready(RcsReady *ready, int max)
{
	struct epoll_event events[256];
	int n;

	tell_kernel_all();
	n = epoll_wait(poll_fd, events, Min(max, (int) lengthof(events)), 0);
	for (int i = 0; i < n; i++)
	{
		int fd = events[i].data.fd;
		uint32 e = events[i].events;

		ready[i].fd = fd;
		ready[i].what = ((e & EPOLLIN) ? RCS_EV_READ : 0) | ((e & EPOLLOUT) ? RCS_EV_WRITE : 0) |
						((e & (EPOLLERR | EPOLLHUP)) ? RCS_EV_ERROR : 0);

		/*
		 * This is an idle connection that the peer closed.  No event of it is
		 * wanted, and it would report the same for ever.
		 */
		if (fd < n_watches && watches[fd].want == 0)
		{
			(void) tell_kernel(fd, &watches[fd]);
			ready[i].what = 0;
		}
	}
	return Max(n, 0);
}
