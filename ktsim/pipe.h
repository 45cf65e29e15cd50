/*
 * pipe.h
 *	  One connection through the proxy: a client, a server, bytes both ways.
 *
 * Knows bytes; not what they mean, nor who decides about the plan.
 */
#ifndef KTSIM_PIPE_H
#define KTSIM_PIPE_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum PipeWay
{
	PIPE_UP, /* from the client to the server */
	PIPE_DOWN,
	PIPE_WAYS
} PipeWay;

typedef struct PipePlan
{
	int64_t cut[PIPE_WAYS];		/* offset of the first byte not to pass; -1: none */
	int64_t corrupt[PIPE_WAYS]; /* offset of a byte to change; -1: none */
	int64_t throttle;			/* bytes a second each way; 0: no limit */
	int64_t delay_ms;			/* for each chunk */
	bool cut_reset;				/* cut by a reset, not in order */
	bool blackhole;
} PipePlan;

typedef struct PipeCounts
{
	uint64_t connections;
	uint64_t live;
	uint64_t cuts;
	uint64_t corrupted;
	uint64_t bytes[PIPE_WAYS]; /* passed on */
} PipeCounts;

#define PIPE_BUFFER 16384

typedef struct PipeFlow
{
	char buffer[PIPE_BUFFER];
	size_t start;
	size_t len;
	int64_t received;
	int64_t passed;
	uint64_t due_us; /* the buffer must wait until then */
	bool ended;		 /* the sender will say no more */
	bool told;		 /* and the receiver knows */
} PipeFlow;

typedef struct Pipe
{
	int fd[PIPE_WAYS]; /* indexed by the way that starts there */
	PipePlan plan;
	PipeFlow flow[PIPE_WAYS];
	uint64_t give_up_us; /* cut in order: only drained until then; 0: not cut */
	uint64_t due_us;	 /* work on it then, or when woken */
	bool woken;
	bool broken;
	bool shut[PIPE_WAYS]; /* both directions of that socket; poll() would repeat it */
	struct Pipe *next;
} Pipe;

extern Pipe *pipe_open(int client_fd, uint16_t target, const PipePlan *plan);
extern void pipe_interest(Pipe *pipe, struct pollfd fds[PIPE_WAYS], uint64_t now_us);
extern void pipe_wake(Pipe *pipe, const struct pollfd fds[PIPE_WAYS]);
extern bool pipe_work(Pipe *pipe, PipeCounts *counts, uint64_t now_us);
extern bool pipe_cut(Pipe *pipe, bool reset, uint64_t now_us);
extern void pipe_close(Pipe *pipe);

#endif /* KTSIM_PIPE_H */
