/*
 * data_job.h
 *		A message of a user whose data is on its way from a data service.
 */
#ifndef RCS_DATA_JOB_H
#define RCS_DATA_JOB_H

#include "lib/ilist.h"

#include "account/data_request.h"

typedef struct RcsChatJob
{
	dlist_node node; /* of the list that the worker keeps */
	int64 id;		 /* of the message */
	int64 rule_id;
	MemoryContext cxt; /* everything of the job is in it */
	RcsDataServer *server;
	RcsHttpRequest request;
	char *problem; /* NULL: the data is there, or was not asked for yet */
	bool asked;	   /* the request is curl's */
} RcsChatJob;

extern RcsChatJob *rcs_chat_job_new(int64 id, int64 rule_id);

/* Prepares the request; what is wrong with the server or the path becomes the job's problem. */
extern void rcs_chat_job_prepare(RcsChatJob *job, const char *server, const char *path);

/* After the answer, or after a request that could not be made. */
extern void rcs_chat_job_note_problem(RcsChatJob *job);

/* Frees the job; a request that is under way is aborted. */
extern void rcs_chat_job_drop(RcsChatJob *job);

#endif /* RCS_DATA_JOB_H */
