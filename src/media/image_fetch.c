/*
 * image_fetch.c
 *		Fetches the image that an address names, and writes down what came of it.
 *
 * A server of TYPE http decides which hosts are asked, never a message.  So no redirect
 * is followed, and http_client.c checks the address behind a name.  This file must
 * not know the carrier.
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/monotonic.h"
#include "media/image_fetch.h"
#include "media/upload.h"

#define LONGEST_PAUSE (30 * SECOND)

static int flying = 0;

/* ---------- what is there already ---------- */

static bool
has_all(RcsJob *job, const RcsMediaUrlRow *row)
{
	if (!row->fresh || strcmp(row->server, job->source_name) != 0)
		return false;
	rcs_job_need(job, row->digest);
	return job->need.missing == NIL;
}

/*
 * In a transaction, in the memory of the job.  Returns without a problem when the
 * image is already there, or when it is too early for another try.
 */
void
rcs_fetch_look(RcsJob *job)
{
	RcsMediaUrlRow row;
	char *problem = NULL;

	job->recorded = false;
	job->problem[0] = '\0';
	job->source_name = rcs_data_server_of(job->task.url);
	if (rcs_media_url_look(job->task.url, NULL, job->cxt, &row))
	{
		job->failures = row.failures;
		job->had_image = row.known;
		if (row.next_at != 0 && row.next_at > GetCurrentTimestamp())
			return;
	}
	if (job->source_name == NULL)
	{
		job->source_name = "";
		rcs_fetch_record(job, "its address belongs to no server of TYPE 'http'");
		return;
	}
	if (job->accounts == NIL || has_all(job, &row))
		return;
	job->source = rcs_data_server_load(job->source_name, &problem);
	if (job->source == NULL)
		rcs_fetch_record(job, problem);
	else
		job->next = RCS_JOB_FETCHING;
}

/* ---------- the request ---------- */

static void
judge(RcsJob *job)
{
	const RcsHttpRequest *r = &job->fetch;
	const char *problem;
	char reason[RCS_MEDIA_REASON];

	if (r->outcome != RCS_HTTP_ANSWER)
		snprintf(reason, sizeof(reason), "%s", r->error);
	else if (r->status >= 300 && r->status < 400)
		snprintf(reason, sizeof(reason), "http %d, and redirects are not followed", r->status);
	else if (r->status != 200)
		snprintf(reason, sizeof(reason), "http %d", r->status);
	else if ((problem = rcs_media_problem(r->answer, r->answer_len, &job->type)) != NULL)
		strlcpy(reason, problem, sizeof(reason));
	else
	{
		appendBinaryStringInfo(&job->bytes, r->answer, (int) r->answer_len);
		job->size = (int) r->answer_len;
		return;
	}
	snprintf(job->problem, sizeof(job->problem), "could not fetch %s from server \"%s\": %s",
			 rcs_media_url_shown(job->task.url), job->source_name, reason);
}

static void
over(RcsJob *job)
{
	MemoryContext old = MemoryContextSwitchTo(job->cxt);

	judge(job);
	MemoryContextSwitchTo(old);
	rcs_http_release(&job->fetch);
	rcs_data_server_wipe(job->source);
	job->state = RCS_JOB_FETCHED;
}

/* Starts the request of a job, unless enough are under way. */
void
rcs_fetch_start(RcsJob *job)
{
	RcsHttpRequest *r = &job->fetch;

	if (job->fetching || flying >= RCS_MEDIA_TRANSFERS)
		return;
	memset(r, 0, sizeof(*r));
	r->url = job->task.url;
	r->ca_file = job->source->ca_file;
	r->header = job->source->header;
	r->get = true;
	r->accept = "image/*";
	r->reach = job->source->reach;
	r->answer_max = RCS_MEDIA_MAX;
	r->timeout_ms = job->source->timeout_ms;
	resetStringInfo(&job->bytes);
	job->problem[0] = '\0';
	job->fetching = rcs_http_start(r);
	if (job->fetching)
		flying++;
	else
		over(job);
}

/* Ends the request of a job that is dropped. */
void
rcs_fetch_abort(RcsJob *job)
{
	if (job->fetching)
	{
		rcs_http_abort(&job->fetch);
		flying--;
	}
	if (job->source != NULL)
		rcs_data_server_wipe(job->source);
}

/* True when this completed request was that of the job. */
bool
rcs_fetch_done(RcsJob *job, RcsHttpRequest *r)
{
	if (!job->fetching || r != &job->fetch)
		return false;
	job->fetching = false;
	flying--;
	over(job);
	return true;
}

/* ---------- what came of it ---------- */

/* In a transaction.  Writes down the image, if an account has it, and then the problem, if there is one. */
void
rcs_fetch_record(RcsJob *job, const char *problem)
{
	RcsMediaFound found = {.url = job->task.url,
						   .server = job->source_name,
						   .digest = job->digest,
						   .type = job->type,
						   .size = job->size};

	job->recorded = true;
	if (job->have_digest && (problem == NULL || rcs_uploads_any(job)))
	{
		found.ttl_us = job->source->media_ttl_us;
		rcs_media_url_found(&found);
	}
	if (problem == NULL)
		return;
	if (problem != job->problem)
		strlcpy(job->problem, problem, sizeof(job->problem));
	rcs_media_url_failed(job->task.url, job->source_name, problem, job->failures + 1,
						 Min(SECOND << Min(job->failures, 10), LONGEST_PAUSE));
}

/* The transaction has committed.  Logs the first of several failures in a row, and the success after them. */
void
rcs_fetch_recorded(const RcsJob *job)
{
	if (!job->recorded)
		return;
	if (job->problem[0] == '\0')
	{
		if (job->failures > 0)
			ereport(LOG,
					(errmsg("image \"%s\" is there again", rcs_media_url_shown(job->task.url))));
		return;
	}
	if (job->failures > 0)
		return;
	ereport(WARNING,
			(errcode(ERRCODE_CONNECTION_FAILURE),
			 errmsg("image \"%s\" cannot be had: %s", rcs_media_url_shown(job->task.url),
					job->problem),
			 job->had_image
				 ? errdetail("Messages that name it go with the copy that was uploaded before.")
				 : errdetail("Messages that name it wait."),
			 errhint("It is tried again by itself, as long as messages need it.")));
}
