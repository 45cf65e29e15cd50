/*
 * pipe.c
 *	  One connection through the proxy: a client, a server, bytes both ways.
 *
 * Each way has one buffer, and is read only when that is empty, so that a slow
 * receiver slows the sender down.  Knows bytes; not what they mean, nor who
 * decides about the plan.
 */
#define _GNU_SOURCE
#include "pipe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util.h"

#define US_PER_MS UINT64_C(1000)
#define US_PER_S UINT64_C(1000000)
#define DRAIN_US (5 * US_PER_S)
#define THROTTLE_STEPS 20 /* a second, so that the flow is fairly even */

#define OTHER(way) ((way) == PIPE_UP ? PIPE_DOWN : PIPE_UP)

/* Does not wait: until the connection stands, the socket takes no bytes. */
static int
open_target(uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd >= 0 && connect(fd, (struct sockaddr *) &in, sizeof(in)) != 0 && errno != EINPROGRESS)
	{
		close(fd);
		return -1;
	}
	return fd;
}

/* Takes over the client; NULL, and the client is gone, when there is no server. */
Pipe *
pipe_open(int client_fd, uint16_t target, const PipePlan *plan)
{
	int target_fd = open_target(target);
	int on = 1;
	Pipe *pipe;

	if (target_fd < 0)
	{
		close(client_fd);
		return NULL;
	}
	pipe = sim_alloc(sizeof(Pipe));
	pipe->fd[PIPE_UP] = client_fd;
	pipe->fd[PIPE_DOWN] = target_fd;
	pipe->plan = *plan;
	pipe->woken = true;
	for (int way = 0; way < PIPE_WAYS; way++)
		setsockopt(pipe->fd[way], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return pipe;
}

static bool
wants_to_read(const Pipe *pipe, PipeWay way)
{
	const PipeFlow *flow = &pipe->flow[way];

	return !flow->ended && flow->len == 0 && (pipe->give_up_us > 0 || !pipe->plan.blackhole);
}

static bool
wants_to_write(const Pipe *pipe, PipeWay way, uint64_t now_us)
{
	const PipeFlow *flow = &pipe->flow[way];

	return flow->len > 0 && !pipe->plan.blackhole && now_us >= flow->due_us;
}

/*
 * What to wait for, and until when at most.  A socket of which nothing is
 * wanted is watched for an error only; in a black hole not even that.
 */
void
pipe_interest(Pipe *pipe, struct pollfd fds[PIPE_WAYS], uint64_t now_us)
{
	pipe->due_us = pipe->give_up_us > 0 ? pipe->give_up_us : UINT64_MAX;
	for (PipeWay way = PIPE_UP; way < PIPE_WAYS; way++)
	{
		const PipeFlow *flow = &pipe->flow[way];
		short events = 0;

		if (wants_to_read(pipe, way))
			events |= POLLIN;
		if (wants_to_write(pipe, OTHER(way), now_us))
			events |= POLLOUT;
		fds[way] = (struct pollfd){.fd = pipe->fd[way], .events = events};
		if (events == 0 && (pipe->plan.blackhole || pipe->shut[way]))
			fds[way].fd = -1;
		if (flow->len > 0 && !pipe->plan.blackhole && flow->due_us > now_us &&
			flow->due_us < pipe->due_us)
			pipe->due_us = flow->due_us;
	}
}

/* Takes up what poll() said of them. */
void
pipe_wake(Pipe *pipe, const struct pollfd fds[PIPE_WAYS])
{
	pipe->woken = false;
	for (PipeWay way = PIPE_UP; way < PIPE_WAYS; way++)
	{
		pipe->woken |= fds[way].revents != 0;
		if (fds[way].events != 0)
			continue;
		pipe->broken |= (fds[way].revents & (POLLERR | POLLNVAL)) != 0;
		pipe->shut[way] |= (fds[way].revents & POLLHUP) != 0;
	}
}

/* The lowest bit only: still printable, most often still well-formed. */
static void
corrupt(Pipe *pipe, PipeWay way, PipeCounts *counts)
{
	PipeFlow *flow = &pipe->flow[way];
	int64_t at = pipe->plan.corrupt[way] - flow->received;

	if (at < 0 || at >= (int64_t) flow->len)
		return;
	flow->buffer[at] ^= 1;
	counts->corrupted++;
}

/* False: the connection is broken. */
static bool
read_some(Pipe *pipe, PipeWay way, PipeCounts *counts, uint64_t now_us)
{
	PipeFlow *flow = &pipe->flow[way];
	ssize_t got = recv(pipe->fd[way], flow->buffer, PIPE_BUFFER, 0);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	if (got == 0)
		flow->ended = true;
	if (pipe->give_up_us > 0)
		return true;
	flow->start = 0;
	flow->len = (size_t) got;
	corrupt(pipe, way, counts);
	flow->received += got;
	flow->due_us = now_us + (uint64_t) pipe->plan.delay_ms * US_PER_MS;
	return true;
}

static size_t
may_pass(const Pipe *pipe, PipeWay way)
{
	const PipeFlow *flow = &pipe->flow[way];
	int64_t most = (int64_t) flow->len;
	int64_t left = pipe->plan.cut[way] - flow->passed;

	if (pipe->plan.cut[way] >= 0 && left < most)
		most = left > 0 ? left : 0;
	if (pipe->plan.throttle > 0 && most > pipe->plan.throttle / THROTTLE_STEPS)
		most = pipe->plan.throttle / THROTTLE_STEPS > 0 ? pipe->plan.throttle / THROTTLE_STEPS
														: most > 0;
	return (size_t) most;
}

/* False: the connection is broken, or has been reset as planned. */
static bool
write_some(Pipe *pipe, PipeWay way, PipeCounts *counts, uint64_t now_us)
{
	PipeFlow *flow = &pipe->flow[way];
	size_t most = may_pass(pipe, way);
	ssize_t written;

	if (most == 0)
	{
		counts->cuts++;
		return pipe_cut(pipe, pipe->plan.cut_reset, now_us);
	}
	written = send(pipe->fd[OTHER(way)], flow->buffer + flow->start, most, MSG_NOSIGNAL);
	if (written < 0)
		return errno == EAGAIN || errno == EINTR;
	flow->start += (size_t) written;
	flow->len -= (size_t) written;
	flow->passed += written;
	counts->bytes[way] += (uint64_t) written;
	if (pipe->plan.throttle > 0)
		flow->due_us = now_us + (uint64_t) written * US_PER_S / (uint64_t) pipe->plan.throttle;
	return true;
}

static bool
flow_work(Pipe *pipe, PipeWay way, PipeCounts *counts, uint64_t now_us)
{
	PipeFlow *flow = &pipe->flow[way];

	if (wants_to_read(pipe, way) && !read_some(pipe, way, counts, now_us))
		return false;
	if (wants_to_write(pipe, way, now_us) && !write_some(pipe, way, counts, now_us))
		return false;
	if (flow->ended && flow->len == 0 && !flow->told && pipe->give_up_us == 0)
	{
		shutdown(pipe->fd[OTHER(way)], SHUT_WR);
		flow->told = true;
	}
	return true;
}

/* False: it is over, close it.  A reset on one side becomes one on the other. */
bool
pipe_work(Pipe *pipe, PipeCounts *counts, uint64_t now_us)
{
	for (PipeWay way = PIPE_UP; way < PIPE_WAYS; way++)
		if (pipe->broken || !flow_work(pipe, way, counts, now_us))
			return pipe_cut(pipe, true, now_us);
	if (pipe->give_up_us > 0 && now_us >= pipe->give_up_us)
		return false;
	return !(pipe->flow[PIPE_UP].ended && pipe->flow[PIPE_UP].len == 0 &&
			 pipe->flow[PIPE_DOWN].ended && pipe->flow[PIPE_DOWN].len == 0);
}

/*
 * False: close it now.  In order means that both sides see an end; what they
 * still send is read and dropped, for unread bytes would make it a reset.
 */
bool
pipe_cut(Pipe *pipe, bool reset, uint64_t now_us)
{
	struct linger none = {.l_onoff = 1, .l_linger = 0};

	for (PipeWay way = PIPE_UP; way < PIPE_WAYS; way++)
	{
		if (reset)
			setsockopt(pipe->fd[way], SOL_SOCKET, SO_LINGER, &none, sizeof(none));
		else
			shutdown(pipe->fd[way], SHUT_WR);
		pipe->flow[way].len = 0;
	}
	pipe->give_up_us = now_us + DRAIN_US;
	return !reset;
}

void
pipe_close(Pipe *pipe)
{
	close(pipe->fd[PIPE_UP]);
	close(pipe->fd[PIPE_DOWN]);
	free(pipe);
}
