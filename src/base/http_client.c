/*
 * http_client.c
 *	  HTTP out: asynchronous requests over one curl multi handle, whose sockets
 *	  are waited for through evloop.
 *
 * NOT_SENT is said only when it can be proved; in doubt it is UNKNOWN.
 * Callbacks run inside curl: they never raise and never use palloc.
 *
 * Must not know KT, SQL, or the meaning of a request.
 */
#include "postgres.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "storage/fd.h"
#include "utils/timestamp.h"

#include "base/evloop.h"
#include "base/http_client.h"
#include "base/http_transfer.h"
#include "base/monotonic.h"

#define MAX_RETRY_AFTER_S 86400

static CURLM *multi = NULL;

/* a transfer is in one of these lists, or with the caller after next_done */
static dlist_head spare = DLIST_STATIC_INIT(spare);
static dlist_head running = DLIST_STATIC_INIT(running);
static dlist_head finished = DLIST_STATIC_INIT(finished);

static int active = 0;		   /* length of "running" */
static int64 deadline_us = -1; /* when curl wants to run; -1 = never */
static int open_sockets = 0;   /* counted in callbacks */
static int reserved_fds = 0;   /* as many of them are in the budget of fd.c */
static uint64 turns = 0;	   /* of rcs_http_run() */

/* ---------- callbacks of curl: nothing here may raise ---------- */

/*
 * The address is judged here, where nothing can change it any more.  A program
 * that some function starts must not inherit our connections.
 */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	RcsHttpTransfer *t = arg;
	const char *refusal = rcs_address_refusal(&a->addr, t->request->reach);
	int fd = -1;

	t->refusal = refusal;
	if (refusal == NULL)
		fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
	if (fd < 0)
		return CURL_SOCKET_BAD;
	if (!rcs_evloop_adopt(fd))
	{
		close(fd);
		return CURL_SOCKET_BAD;
	}
	open_sockets++;
	return fd;
}

static int
close_socket(void *arg, curl_socket_t fd)
{
	rcs_evloop_forget(fd);
	open_sockets--;
	return close(fd);
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *fd_arg)
{
	int want = 0;

	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		want |= RCS_EV_READ;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		want |= RCS_EV_WRITE;
	return rcs_evloop_watch(fd, want) ? 0 : -1;
}

static int
on_timer(CURLM *m, long timeout_ms, void *arg)
{
	deadline_us = timeout_ms < 0 ? -1 : rcs_now_us() + timeout_ms * INT64CONST(1000);
	return 0;
}

/* ---------- start of the process ---------- */

bool
rcs_http_init(void)
{
	if (multi != NULL)
		return false;

#ifdef __GLIBC__

	/*
	 * curl takes and frees its buffers for each request; giving the top of the
	 * heap back to the kernel each time costs a fifth of the throughput.
	 */
	mallopt(M_TRIM_THRESHOLD, 8 * 1024 * 1024);
	mallopt(M_TOP_PAD, 1024 * 1024);
#endif

	/* no library may write the keys of our sessions to a file */
	unsetenv("SSLKEYLOGFILE");
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || (multi = curl_multi_init()) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY), errmsg("could not initialize the HTTP client")));
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
	return true;
}

/*
 * The limit counts kept connections too, so that a carrier that allows n sees
 * no more; a request above it waits inside curl.
 */
void
rcs_http_set_max_connections(int n)
{
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long) n);
	curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long) n);
}

/* ---------- starting ---------- */

static void
move(RcsHttpTransfer *t, dlist_head *list)
{
	if (t->list != NULL)
		dlist_delete(&t->node);
	t->list = list;
	if (list == &spare)
		dlist_push_head(list, &t->node);
	else if (list != NULL)
		dlist_push_tail(list, &t->node);
}

/* The one used last comes first: its memory is warm.  NULL: out of memory. */
static RcsHttpTransfer *
take_transfer(void)
{
	RcsHttpTransfer *t;

	if (dlist_is_empty(&spare))
		return rcs_http_transfer_new(open_socket, close_socket);
	t = dlist_head_element(RcsHttpTransfer, node, &spare);
	move(t, NULL);
	return t;
}

static bool
refuse(RcsHttpRequest *r, const char *why)
{
	r->outcome = RCS_HTTP_NOT_SENT;
	r->status = 0;
	r->retry_after_s = 0;
	r->answer = "";
	r->answer_len = 0;
	strlcpy(r->error, why, sizeof(r->error));
	r->done_us = r->started_us;
	return false;
}

bool
rcs_http_start(RcsHttpRequest *r)
{
	RcsHttpTransfer *t;
	CURLMcode code;

	r->transfer = NULL;
	r->started_us = GetCurrentTimestamp();
	if (r->body_len == 0 && !r->get)
		return refuse(r, "empty request body");
	t = take_transfer();
	if (t == NULL)
		return refuse(r, "out of memory");
	if (!rcs_http_transfer_prepare(t, r))
	{
		rcs_http_transfer_free(t);
		return refuse(r, "URL, CA file, token or header not usable");
	}

	code = curl_multi_add_handle(multi, t->easy);
	if (code != CURLM_OK)
	{
		rcs_http_transfer_free(t);
		return refuse(r, curl_multi_strerror(code));
	}
	r->transfer = t;
	t->born = turns;
	move(t, &running);
	active++;
	return true;
}

/* ---------- running ---------- */

/* Takes the transfer out of curl and fills the request. */
static void
settle(RcsHttpTransfer *t, CURLcode code)
{
	RcsHttpRequest *r = t->request;
	long status = 0;
	curl_off_t retry_after_s = 0;

	r->done_us = GetCurrentTimestamp();
	r->error[0] = '\0';
	r->status = 0;
	r->answer = t->answer_len > 0 ? t->answer : "";
	r->answer_len = t->answer_len;
	if (code == CURLE_OK)
	{
		curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
		r->outcome = RCS_HTTP_ANSWER;
		r->status = (int) status;
		/* a number, or a date, of which curl makes a number */
		curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
		r->retry_after_s = (int) Max(0, Min(retry_after_s, MAX_RETRY_AFTER_S));
	}
	else
	{
		r->outcome = t->born == turns || rcs_http_transfer_nothing_left(t) ? RCS_HTTP_NOT_SENT
																		   : RCS_HTTP_UNKNOWN;
		snprintf(r->error, sizeof(r->error), "%s%s",
				 code == CURLE_OPERATION_TIMEDOUT ? "timeout: " : "",
				 t->refusal			? t->refusal
				 : t->curl_error[0] ? t->curl_error
									: curl_easy_strerror(code));
	}
	curl_multi_remove_handle(multi, t->easy);
	active--;
	move(t, &finished);
}

static void
collect(void)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(multi, &left)) != NULL)
	{
		char *private = NULL;
		CURLcode code = msg->data.result;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &private);
		settle((RcsHttpTransfer *) private, code);
	}
}

/*
 * fd.c keeps our sockets in its budget.  It may close files to make room, so
 * this is done outside of curl.
 */
static void
reserve_fds(void)
{
	for (; reserved_fds < open_sockets; reserved_fds++)
		ReserveExternalFD();
	for (; reserved_fds > open_sockets; reserved_fds--)
		ReleaseExternalFD();
}

/*
 * curl looks up names in threads of its own, and a thread inherits the signal
 * mask of its maker: with all signals blocked, no handler of PostgreSQL ever
 * runs in one.  Threads are made by curl_multi_socket_action() only (adding a
 * handle just sets the timer), and one bracket serves a whole batch of sockets,
 * so literal addresses need no exception.
 */
static void
block_signals(sigset_t *old)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, old);
}

static void
unblock_signals(const sigset_t *old)
{
	pthread_sigmask(SIG_SETMASK, old, NULL);
}

void
rcs_http_run(void)
{
	RcsReady ready[128];
	int left;
	int n;
	sigset_t old;

	turns++;
	block_signals(&old);
	n = rcs_evloop_ready(ready, lengthof(ready));
	for (int i = 0; i < n; i++)
	{
		int what = 0;

		if (ready[i].what == 0)
			continue;
		if (ready[i].what & RCS_EV_READ)
			what |= CURL_CSELECT_IN;
		if (ready[i].what & RCS_EV_WRITE)
			what |= CURL_CSELECT_OUT;
		if (ready[i].what & RCS_EV_ERROR)
			what |= CURL_CSELECT_ERR;
		curl_multi_socket_action(multi, ready[i].fd, what, &left);
	}
	if (deadline_us >= 0 && rcs_now_us() >= deadline_us)
	{
		long timeout_ms = -1;

		/*
		 * curl does not announce a deadline twice: one that we met a moment too
		 * early by its clock would be lost.  So it is asked again.
		 */
		curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &left);
		curl_multi_timeout(multi, &timeout_ms);
		on_timer(multi, timeout_ms, NULL);
	}
	collect();
	unblock_signals(&old);
	reserve_fds();
}

/* ---------- requests that are done ---------- */

RcsHttpRequest *
rcs_http_next_done(void)
{
	RcsHttpTransfer *t;

	if (dlist_is_empty(&finished))
		return NULL;
	t = dlist_head_element(RcsHttpTransfer, node, &finished);
	move(t, NULL);
	return t->request;
}

/* For a function that waits for one request of its own, in a process that has others. */
bool
rcs_http_take_done(RcsHttpRequest *r)
{
	if (r->transfer == NULL || r->transfer->list != &finished)
		return false;
	move(r->transfer, NULL);
	return true;
}

bool
rcs_http_any_done(void)
{
	return !dlist_is_empty(&finished);
}

void
rcs_http_release(RcsHttpRequest *r)
{
	RcsHttpTransfer *t = r->transfer;

	if (t == NULL)
		return;
	Assert(t->list != &running);
	r->transfer = NULL;
	r->answer = "";
	r->answer_len = 0;
	rcs_http_transfer_trim(t);
	move(t, &spare);
}

void
rcs_http_abort(RcsHttpRequest *r)
{
	RcsHttpTransfer *t = r->transfer;

	if (t == NULL)
		return;
	if (t->list == &running)
	{
		t->refusal = "dropped";
		settle(t, CURLE_ABORTED_BY_CALLBACK);
	}
	rcs_http_release(r);
}

/* ---------- the client as a whole ---------- */

long
rcs_http_timeout_ms(void)
{
	int64 left;

	if (deadline_us < 0)
		return -1;
	left = deadline_us - rcs_now_us();
	return left <= 0 ? 0 : (long) ((left + 999) / 1000);
}

int
rcs_http_active(void)
{
	return active;
}

/*
 * Requests on their way are dropped; the caller's records are not touched, since
 * at the exit of a process they may be gone already.
 */
void
rcs_http_shutdown(void)
{
	dlist_head *lists[] = {&running, &finished, &spare};

	if (multi == NULL)
		return;
	for (int i = 0; i < (int) lengthof(lists); i++)
	{
		while (!dlist_is_empty(lists[i]))
		{
			RcsHttpTransfer *t = dlist_head_element(RcsHttpTransfer, node, lists[i]);

			if (i == 0)
				curl_multi_remove_handle(multi, t->easy);
			move(t, NULL);
			rcs_http_transfer_free(t);
		}
	}
	curl_multi_cleanup(multi);
	multi = NULL;
	active = 0;
	deadline_us = -1;
	reserve_fds();
}
