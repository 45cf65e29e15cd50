/*
 * data_job.c
 *		A message of a user whose data is on its way from a data service.
 *
 * A job lives longer than the transaction that found the message, so it has a
 * memory context of its own.  It knows no rule and no SQL.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "account/data_server.h"
#include "chat/data_job.h"

#define DATA_MAX (1024 * 1024) /* bytes for one answer to a user */

RcsChatJob *
rcs_chat_job_new(int64 id, int64 rule_id)
{
	MemoryContext cxt =
		AllocSetContextCreate(TopMemoryContext, "rcs chat job", ALLOCSET_SMALL_SIZES);
	RcsChatJob *job = MemoryContextAllocZero(cxt, sizeof(RcsChatJob));

	job->cxt = cxt;
	job->id = id;
	job->rule_id = rule_id;
	return job;
}

void
rcs_chat_job_prepare(RcsChatJob *job, const char *server, const char *path)
{
	MemoryContext old = MemoryContextSwitchTo(job->cxt);

	job->server = rcs_data_server_load(server, &job->problem);
	if (job->server != NULL &&
		rcs_data_request(&job->request, job->server, pstrdup(path), &job->problem))
		job->request.answer_max = DATA_MAX;
	job->request.owner = job;
	MemoryContextSwitchTo(old);
}

void
rcs_chat_job_note_problem(RcsChatJob *job)
{
	MemoryContext old = MemoryContextSwitchTo(job->cxt);

	if (job->problem == NULL)
		job->problem = rcs_data_request_problem(&job->request, job->server->name);
	MemoryContextSwitchTo(old);
}

void
rcs_chat_job_drop(RcsChatJob *job)
{
	if (job->asked)
		rcs_http_abort(&job->request);
	if (job->server != NULL)
		rcs_data_server_wipe(job->server);
	MemoryContextDelete(job->cxt);
}
