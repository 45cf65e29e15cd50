/*
 * wire.c
 *	  Answers that go wrong below HTTP, written to the socket by hand.
 *
 * libmicrohttpd gives such answers no room: a header beyond its memory, a reset
 * in the middle.  Knows bytes and sockets; not requests, and not TLS.
 */
#define _GNU_SOURCE
#include "wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define TURN_BYTES ((size_t) 64 * 1024) /* then others have their turn */
#define HEADER_LINES 1024
#define HEADER_LINE_BYTES 1024
#define JSON_HEAD "HTTP/1.1 200 OK\r\nContent-Type: " SIM_TYPE_JSON "\r\n"
#define LENGTH_HEAD JSON_HEAD "Content-Length: 26\r\n\r\n"

/* What is sent: the head once, then the loop for ever, if there is one. */
typedef struct Script
{
	const char *head;
	size_t head_len;
	const char *loop;
	size_t loop_len;
} Script;

static char *big_header;

static void
make_big_header(void)
{
	static const char tail[] = "Content-Type: text/html\r\nContent-Length: 0\r\n\r\n";
	size_t at;

	big_header = sim_alloc(64 + HEADER_LINES * HEADER_LINE_BYTES + sizeof(tail));
	at = (size_t) snprintf(big_header, 64, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < HEADER_LINES; i++)
	{
		char *line = big_header + at;

		memset(line, 'h', HEADER_LINE_BYTES);
		memcpy(line, "X-", 2);
		line[2 + i % 26] = ':';
		memcpy(line + HEADER_LINE_BYTES - 2, "\r\n", 2);
		at += HEADER_LINE_BYTES;
	}
	memcpy(big_header + at, tail, sizeof(tail));
}

static Script
script_of(SimAction action)
{
	static const char silent[] = LENGTH_HEAD;
	static const char half[] = LENGTH_HEAD "{\"status\":\"2";
	static const char endless[] = JSON_HEAD
		"Transfer-Encoding: chunked\r\n\r\n1d\r\n{\"status\":\"200\",\"data\":{\"n\":\"\r\n";
	static const char more[] =
		"40\r\n0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n";

	switch (action)
	{
		case SIM_RESET:
			return (Script){.head = half, .head_len = sizeof(half) - 1};
		case SIM_ENDLESS:
			return (Script){endless, sizeof(endless) - 1, more, sizeof(more) - 1};
		case SIM_BIG_HEADER:
			if (big_header == NULL)
				make_big_header();
			return (Script){.head = big_header, .head_len = strlen(big_header)};
		default:
			return (Script){.head = silent, .head_len = sizeof(silent) - 1};
	}
}

/*
 * Leaving the association makes the kernel send a reset, at once and for sure;
 * with SO_LINGER, libmicrohttpd's shutdown() would slip a FIN in first.
 */
static void
reset_connection(int fd)
{
	struct sockaddr nobody = {.sa_family = AF_UNSPEC};
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	connect(fd, &nobody, sizeof(nobody));
}

static SimWireState
end_of_script(SimAction action, int fd)
{
	if (action == SIM_STALL)
		return SIM_WIRE_WATCH;
	if (action == SIM_HALF_CLOSE)
	{
		shutdown(fd, SHUT_WR);
		return SIM_WIRE_WATCH;
	}
	if (action == SIM_RESET)
		reset_connection(fd);
	return SIM_WIRE_OVER;
}

/* Writes on from where *sent says we are. */
SimWireState
sim_wire_pump(SimAction action, int fd, size_t *sent)
{
	Script script = script_of(action);
	size_t stop = *sent + TURN_BYTES;

	while (*sent < stop)
	{
		const char *data = script.head + *sent;
		size_t len = script.head_len - *sent;
		ssize_t written;

		if (*sent >= script.head_len)
		{
			size_t at;

			if (script.loop == NULL)
				return end_of_script(action, fd);
			at = (*sent - script.head_len) % script.loop_len;
			data = script.loop + at;
			len = script.loop_len - at;
		}
		written = send(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (written < 0)
			return errno == EAGAIN || errno == EINTR ? SIM_WIRE_AGAIN : SIM_WIRE_OVER;
		*sent += (size_t) written;
	}
	return SIM_WIRE_AGAIN;
}

void
sim_wire_free(void)
{
	free(big_header);
	big_header = NULL;
}
