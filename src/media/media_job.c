/*
 * media_job.c
 *		Which accounts of a job lack a content.
 *
 * It must not know how a content is fetched or uploaded.
 */
#include "postgres.h"

#include "media/media_job.h"

void
rcs_job_need(RcsJob *job, const uint8 digest[RCS_MEDIA_DIGEST])
{
	List *options = NIL;
	ListCell *lc;

	foreach(lc, job->accounts)
		options = lappend(options, ((RcsAccount *) lfirst(lc))->options);
	rcs_media_need(digest, options, false, job->cxt, &job->need);
}
