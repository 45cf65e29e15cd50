/*
 * uploader.c
 *		The uploader: the jobs of the single worker 0 of a database.
 *
 * Uploads run beside the messages in the loop of the worker: requests are
 * asynchronous, and no transaction is open while one is under way.  One job at a
 * time works on a content, and on an address.  Other jobs that want the same wait
 * for it, and then find the content in the tables.  A hold stops no upload.
 *
 * This file must not know SQL or the carrier.
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/fault_point.h"
#include "base/monotonic.h"
#include "media/image_fetch.h"
#include "media/media_segment.h"
#include "media/upload.h"
#include "media/uploader.h"
#include "process/guc.h"
#include "process/txn.h"

#define RUNNING_MAX 8 /* jobs with an image in memory */
#define TRIES 5		  /* of a transaction */
#define ROUNDS 3	  /* ids, when the carrier says that they have expired */

static dlist_head jobs = DLIST_STATIC_INIT(jobs);
static bool uploader = false;

/* ---------- jobs ---------- */

static void
add_job(const RcsMediaTask *task)
{
	MemoryContext cxt = AllocSetContextCreate(TopMemoryContext, "rcs image", ALLOCSET_SMALL_SIZES);
	RcsJob *job = MemoryContextAllocZero(cxt, sizeof(RcsJob));
	MemoryContext old = MemoryContextSwitchTo(cxt);

	job->cxt = cxt;
	job->task = *task;
	initStringInfo(&job->bytes);
	if (!task->is_url)
	{
		memcpy(job->digest, task->digest, RCS_MEDIA_DIGEST);
		job->have_digest = true;
	}
	dlist_push_tail(&jobs, &job->node);
	MemoryContextSwitchTo(old);
}

static void
drop_job(RcsJob *job)
{
	rcs_uploads_abort(job);
	rcs_fetch_abort(job);
	dlist_delete(&job->node);
	MemoryContextDelete(job->cxt);
}

static bool
is_running(const RcsJob *job)
{
	return job->state == RCS_JOB_FETCHING || job->state == RCS_JOB_FETCHED ||
		   job->state == RCS_JOB_UPLOADING;
}

static bool
same_content(const RcsJob *a, const RcsJob *b)
{
	return a->have_digest && b->have_digest && memcmp(a->digest, b->digest, RCS_MEDIA_DIGEST) == 0;
}

static bool
same_address(const RcsJob *a, const RcsJob *b)
{
	return a->task.is_url && b->task.is_url && strcmp(a->task.url, b->task.url) == 0;
}

/* True when another job works on the same content or address, or when enough jobs run. */
static bool
must_wait(const RcsJob *job)
{
	int running = 0;
	dlist_iter iter;

	dlist_foreach(iter, &jobs)
	{
		RcsJob *other = dlist_container(RcsJob, node, iter.cur);

		if (other == job || !is_running(other))
			continue;
		if ((other->state == RCS_JOB_UPLOADING && same_content(job, other)) ||
			(job->state == RCS_JOB_QUEUED && same_address(job, other)))
			return true;
		running++;
	}
	return job->state == RCS_JOB_QUEUED && running >= RUNNING_MAX;
}

/* ---------- steps, each in a transaction ---------- */

static void
fail(RcsJob *job, int sqlstate, const char *text)
{
	job->answer.ok = false;
	job->answer.sqlstate = sqlstate;
	strlcpy(job->answer.text, text, sizeof(job->answer.text));
}

/* False when an account cannot be used.  A job for an address goes on with the other accounts. */
static bool
find_accounts(RcsJob *job)
{
	ListCell *lc;

	job->accounts = NIL;
	foreach(lc, job->servers)
	{
		RcsAccount *a = rcs_carrier_account(lfirst(lc));
		const char *problem =
			a->options == NULL ? "it is not visible yet: commit it first" : a->options->problem;

		if (problem == NULL)
			job->accounts = lappend(job->accounts, a);
		else if (!job->task.is_url)
		{
			fail(job, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
				 psprintf("server \"%s\" cannot be used: %s", a->server, problem));
			return false;
		}
	}
	return true;
}

/* The content is known: ends the job if every account has it, else plans the uploads. */
static void
settle_content(RcsJob *job)
{
	rcs_job_need(job, job->digest);
	if (job->need.missing == NIL)
	{
		job->next = RCS_JOB_OVER;
		job->answer.ok = true;
		strlcpy(job->answer.text, job->need.file_id, sizeof(job->answer.text));
		if (job->task.is_url)
			rcs_fetch_record(job, NULL);
		return;
	}
	rcs_uploads_plan(job);
	job->next = RCS_JOB_UPLOADING;
}

static void
look_at_bytes(RcsJob *job)
{
	resetStringInfo(&job->bytes);
	if (!rcs_media_segment_read(job->task.handle, &job->servers, &job->bytes))
		return; /* the backend has left */
	if (rcs_media_problem(job->bytes.data, job->bytes.len, &job->type) != NULL)
		return; /* the segment is another one by now */
	job->size = job->bytes.len;
	if (find_accounts(job))
		settle_content(job);
}

static void
look_at_address(RcsJob *job)
{
	RcsBot *bot = rcs_carrier_bot(job->task.chatbot);
	ListCell *lc;

	if (bot->chatbot == NULL)
		return;
	job->servers = NIL;
	foreach(lc, bot->chatbot->servers)
		job->servers = lappend(job->servers, pstrdup(lfirst(lc)));
	(void) find_accounts(job);
	rcs_fetch_look(job);
}

static void
look(void *arg)
{
	RcsJob *job = arg;
	MemoryContext old = MemoryContextSwitchTo(job->cxt);

	job->next = RCS_JOB_OVER;
	job->stale = false;
	fail(job, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "the image was given up");
	if (job->task.is_url)
		look_at_address(job);
	else
		look_at_bytes(job);
	MemoryContextSwitchTo(old);
}

static void
look_at_fetched(void *arg)
{
	RcsJob *job = arg;
	MemoryContext old = MemoryContextSwitchTo(job->cxt);

	job->next = RCS_JOB_OVER;
	if (job->problem[0] != '\0')
		rcs_fetch_record(job, job->problem);
	else
	{
		rcs_media_digest(job->bytes.data, job->bytes.len, job->digest);
		job->have_digest = true;
		(void) find_accounts(job);
		settle_content(job);
	}
	MemoryContextSwitchTo(old);
}

/* Every upload has ended. */
static void
finish_uploads(RcsJob *job, const RcsUpload *failed)
{
	job->next = RCS_JOB_OVER;
	if (job->stale && failed == NULL && ++job->rounds < ROUNDS)
	{
		job->next = RCS_JOB_QUEUED;
		return; /* to look again, for a new id */
	}
	job->answer.ok = failed == NULL && !job->stale;
	if (failed != NULL)
		fail(job, failed->sqlstate, failed->problem);
	else if (job->stale)
		fail(job, ERRCODE_SYSTEM_ERROR,
			 "the carrier takes the image, but says that it has expired");
	else
		strlcpy(job->answer.text, job->need.file_id, sizeof(job->answer.text));
	if (job->task.is_url)
		rcs_fetch_record(job, job->answer.ok ? NULL : job->answer.text);
}

static void
record(void *arg)
{
	RcsJob *job = arg;
	const RcsUpload *failed;

	job->next = RCS_JOB_UPLOADING;
	rcs_uploads_record(job);
	if (rcs_uploads_over(job, &failed))
		finish_uploads(job, failed);
}

/* ---------- between transactions ---------- */

static void
forget_bytes(RcsJob *job)
{
	MemoryContext old = MemoryContextSwitchTo(job->cxt);

	pfree(job->bytes.data);
	initStringInfo(&job->bytes);
	MemoryContextSwitchTo(old);
}

static void
committed(RcsJob *job)
{
	if (job->state == RCS_JOB_UPLOADING)
	{
		RCS_FAULT("media-recorded");
		rcs_uploads_recorded(job);
	}
	if (job->next == RCS_JOB_UPLOADING && job->state != RCS_JOB_UPLOADING)
		forget_bytes(job); /* the form holds them now */
	if (job->next == RCS_JOB_OVER && job->task.is_url)
		rcs_fetch_recorded(job);
	job->state = job->next;
	job->tries = 0;
}

static void
rolled_back(RcsJob *job, int64 now_us)
{
	job->again_us = now_us + SECOND;
	if (++job->tries < TRIES)
		return;
	fail(job, ERRCODE_INTERNAL_ERROR, "the upload of an image could not be written down");
	job->state = RCS_JOB_OVER;
}

static bool
step_is_due(const RcsJob *job)
{
	switch (job->state)
	{
		case RCS_JOB_QUEUED:
		case RCS_JOB_FETCHED:
			return !must_wait(job);
		case RCS_JOB_UPLOADING:
			return rcs_uploads_to_record(job);
		default:
			return false;
	}
}

/* Jobs that wait with the same content for the same chatbot get the same answer, without a try of their own. */
static void
share_failure(const RcsJob *failed)
{
	dlist_iter iter;

	dlist_foreach(iter, &jobs)
	{
		RcsJob *job = dlist_container(RcsJob, node, iter.cur);

		if (job->state != RCS_JOB_QUEUED || job->task.is_url || !same_content(job, failed) ||
			strcmp(job->task.chatbot, failed->task.chatbot) != 0)
			continue;
		job->answer = failed->answer;
		job->state = RCS_JOB_OVER;
	}
}

static void
step(RcsJob *job, int64 now_us)
{
	void (*body)(void *) = job->state == RCS_JOB_QUEUED	   ? look
						   : job->state == RCS_JOB_FETCHED ? look_at_fetched
														   : record;

	if (job->state == RCS_JOB_UPLOADING)
		RCS_FAULT("media-uploaded");
	if (rcs_txn_run(body, job))
		committed(job);
	else
		rolled_back(job, now_us);
	/* now, since the next of them would begin in this round */
	if (job->state == RCS_JOB_OVER && !job->answer.ok && !job->abandoned && !job->task.is_url &&
		job->nuploads > 0)
		share_failure(job);
}

static void
end_job(RcsJob *job)
{
	rcs_media_answer(job->task.place, job->task.number, &job->answer);
	drop_job(job);
}

/* ---------- the round ---------- */

static void
take_tasks(void)
{
	static RcsMediaTask task;

	while (rcs_media_take(&task))
		add_job(&task);
}

static void
advance(RcsJob *job, int64 now_us, int64 *wait_us)
{
	if (job->state == RCS_JOB_QUEUED && !rcs_media_still_wanted(job->task.place, job->task.number))
		job->state = RCS_JOB_OVER;
	if (step_is_due(job))
	{
		if (now_us >= job->again_us)
			step(job, now_us);
		else
			*wait_us = Min(*wait_us, job->again_us - now_us);
	}
	if (job->state == RCS_JOB_FETCHING)
		rcs_fetch_start(job);
	if (job->state == RCS_JOB_UPLOADING)
		rcs_uploads_start(job, now_us, wait_us);
	if (job->state == RCS_JOB_OVER || (step_is_due(job) && now_us >= job->again_us))
		*wait_us = 0;
}

/* In one worker of a database, before its loop. */
int
rcs_media_begin(void)
{
	uploader = true;
	rcs_media_uploader_begins();
	return 2 * RCS_MEDIA_TRANSFERS;
}

/* Once in a round of the worker's loop. */
void
rcs_media_round(int64 now_us, int64 *wait_us)
{
	dlist_mutable_iter iter;

	if (!uploader)
		return;
	rcs_media_uploader_lives();
	take_tasks();
	dlist_foreach_modify(iter, &jobs)
		advance(dlist_container(RcsJob, node, iter.cur), now_us, wait_us);
	dlist_foreach_modify(iter, &jobs)
	{
		RcsJob *job = dlist_container(RcsJob, node, iter.cur);

		if (job->state == RCS_JOB_OVER)
			end_job(job);
	}
}

/* True when this completed request was one of a job. */
bool
rcs_media_request_done(RcsHttpRequest *r)
{
	dlist_iter iter;

	dlist_foreach(iter, &jobs)
	{
		RcsJob *job = dlist_container(RcsJob, node, iter.cur);

		if (rcs_fetch_done(job, r) || rcs_upload_done(job, r))
			return true;
	}
	return false;
}
