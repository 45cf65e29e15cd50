/*
 * poll_store.h
 *		All SQL about reports that are asked for.  In a transaction.
 */
#ifndef RCS_POLL_STORE_H
#define RCS_POLL_STORE_H

#include "datatype/timestamp.h"

#define RCS_QUERY_ID_SIZE 41

/* A carrier account, and what is known of its questions. */
typedef struct RcsPollRow
{
	char *server;
	char *query_id; /* NULL: none is open */
	char *problem;	/* NULL: none */
} RcsPollRow;

extern int rcs_poll_rows(MemoryContext cxt, RcsPollRow **rows);
extern void rcs_poll_write_id(const char *server, const char *query_id);
extern void rcs_poll_write_problem(const char *server, const char *problem);

/* A part of an answer. */
typedef struct RcsPollPart
{
	const char *server;
	const char *answer;
	size_t len;
	int first; /* reports of it that are stored already */
	int most;
	const char *next_id; /* NULL: the question has no id */
	bool give_up;		 /* an answer that is no JSON is put aside */
	/* set by rcs_poll_store */
	bool readable;
	int n; /* reports in all of the answer */
	bool more;
} RcsPollPart;

extern void rcs_poll_store(RcsPollPart *part);

/* Where a walk through the results is: the last result looked at. */
typedef struct RcsPollPlace
{
	int64 campaign_no;
	int64 batch_id;
	int ord;
	int attempt;
} RcsPollPlace;

/* A result whose report may be overdue. */
typedef struct RcsAwaited
{
	char *server;
	char *message; /* id */
	bool reported;
	int64 age_s;
} RcsAwaited;

extern int rcs_poll_awaited(RcsPollPlace *place, int most, int after_s, MemoryContext cxt,
							RcsAwaited **list, int *seen);

#endif /* RCS_POLL_STORE_H */
