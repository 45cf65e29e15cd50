/*
 * upload.c
 *		Uploads of one content to the accounts that lack it.
 *
 * The id is made from the content, so an upload may be repeated, and an upload that
 * the carrier has seen before is done.  An upload needs no permit of the message rate.
 * A failed upload does not close the account, since the account may still take
 * messages.  This file must not know SQL, or where the content comes from.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "account/account_shared.h"
#include "base/monotonic.h"
#include "media/upload.h"
#include "process/guc.h"

#define TRIES 5		/* while a backend waits */
#define TRIES_URL 2 /* of an address: the whole job is repeated later */
#define TOO_FAST_URL 10
#define FIRST_PAUSE_MS 500
#define LONGEST_PAUSE_MS 8000
#define TIMEOUT_TIMES 6 /* a megabyte takes longer than a message */
#define TOKEN_POLL INT64CONST(100000)

static int flying = 0;

/* ---------- the plan ---------- */

static void
make_form(RcsJob *job)
{
	char boundary[RCS_KT_BOUNDARY_SIZE];

	initStringInfo(&job->form);
	rcs_kt_file_form(&job->form, job->need.file_id, job->type, job->bytes.data, job->bytes.len,
					 boundary);
	snprintf(job->content_type, sizeof(job->content_type), "multipart/form-data; boundary=%s",
			 boundary);
}

/* In a transaction, in the memory of the job: an upload for each account in its need. */
void
rcs_uploads_plan(RcsJob *job)
{
	ListCell *lc;

	make_form(job);
	job->uploads = palloc0(sizeof(RcsUpload) * list_length(job->accounts));
	job->nuploads = 0;
	foreach(lc, job->accounts)
	{
		RcsAccount *a = lfirst(lc);
		RcsUpload *u = &job->uploads[job->nuploads];

		if (!list_member_ptr(job->need.missing, a->options))
			continue;
		u->job = job;
		u->account = a;
		job->nuploads++;
	}
}

/* ---------- failures ---------- */

static void
note_failure(RcsUpload *u, int sqlstate, const char *reason, const char *code)
{
	u->sqlstate = sqlstate;
	snprintf(u->problem, sizeof(u->problem),
			 code[0] != '\0' ? "could not upload an image through server \"%s\": %s (%s)"
							 : "could not upload an image through server \"%s\": %s",
			 u->account->server, reason, code);
	u->state = RCS_UPLOAD_FAILED;
}

/* Plans another try, unless the backend has left. */
static void
try_again(RcsUpload *u, int64 now_us, long delay_ms, int times)
{
	RcsJob *job = u->job;
	long pause_ms = Min(FIRST_PAUSE_MS << Min(times, 10), LONGEST_PAUSE_MS);

	job->abandoned = !rcs_media_still_wanted(job->task.place, job->task.number);
	if (job->abandoned)
		return;
	u->not_before_us = now_us + (delay_ms < 0 ? 0 : Max(delay_ms, pause_ms) * 1000);
	u->state = RCS_UPLOAD_WAITING;
}

static void
failed_try(RcsUpload *u, int64 now_us, long delay_ms)
{
	int times = u->tries++;

	if (u->tries < (u->job->task.is_url ? TRIES_URL : TRIES))
		try_again(u, now_us, delay_ms, times);
}

/* The carrier has not looked at the image.  A place for an address is not held for ever. */
static void
was_too_fast(RcsUpload *u, int64 now_us, long delay_ms)
{
	int times = u->too_fast++;

	if (u->job->task.is_url && u->too_fast > TOO_FAST_URL)
		failed_try(u, now_us, delay_ms);
	else
		try_again(u, now_us, delay_ms, times);
}

static void
account_closed(RcsUpload *u, int64 now_us)
{
	RcsAccount *a = u->account;
	const char *hold = rcs_account_held(a);
	char reason[RCS_ACCOUNT_REASON + 32];

	if (hold != NULL)
		snprintf(reason, sizeof(reason), "the account is on hold: %s", hold);
	else
	{
		char why[RCS_ACCOUNT_REASON];

		rcs_account_reason(a->shared, a->login, why);
		snprintf(reason, sizeof(reason), "the account is set aside: %s", why);
	}
	note_failure(u, ERRCODE_CONNECTION_FAILURE, reason, "");
	failed_try(u, now_us, 0);
}

/* ---------- answers ---------- */

static void
accepted(RcsUpload *u, const RcsKtFile *file)
{
	TimestampTz now = GetCurrentTimestamp();

	u->state = RCS_UPLOAD_DONE;
	u->expires_at = file->expires_at;
	/* the next look gives the content another id */
	if (file->expired || (u->expires_at != 0 && u->expires_at <= now))
	{
		u->expires_at = now;
		u->job->stale = true;
	}
	rcs_token_worked(u->account, u->token_serial);
}

static void
judge(RcsUpload *u, int64 now_us)
{
	RcsHttpRequest *r = &u->request;
	RcsKtFile file = {0};
	RcsAnswer answer;
	bool answered;

	if (r->outcome == RCS_HTTP_ANSWER && r->status == 200)
		rcs_kt_file_answer(r->answer, r->answer_len, &file);
	if (file.there)
	{
		accepted(u, &file);
		return;
	}
	rcs_answer_classify(u->account, r, &answer);
	answered = answer.answered;
	if (answer.verdict == RCS_V_ACCEPTED || answer.verdict == RCS_V_DUPLICATE)
	{
		accepted(u, &file);
		return;
	}
	note_failure(u, answered ? ERRCODE_SYSTEM_ERROR : ERRCODE_CONNECTION_FAILURE, answer.reason,
				 answer.code);
	if (answer.verdict != RCS_V_TOKEN)
		rcs_token_unproven(u->account);
	switch (answer.verdict)
	{
		case RCS_V_TOKEN:
			rcs_token_refused(u->account, u->token_serial, answer.reason);
			failed_try(u, now_us, -1);
			break;
		case RCS_V_THROTTLED:
			was_too_fast(u, now_us, answer.retry_after_ms);
			break;
		case RCS_V_FAILED:
		case RCS_V_ACCOUNT:
			break; /* it would be refused again */
		default:
			failed_try(u, now_us, answer.retry_after_ms);
	}
}

/* True when this completed request was an upload of the job. */
bool
rcs_upload_done(RcsJob *job, RcsHttpRequest *r)
{
	for (int i = 0; i < job->nuploads; i++)
	{
		RcsUpload *u = &job->uploads[i];

		if (r != &u->request || u->state != RCS_UPLOAD_FLYING)
			continue;
		flying--;
		judge(u, rcs_now_us());
		rcs_http_release(r);
		return true;
	}
	return false;
}

/* ---------- requests ---------- */

static void
start_upload(RcsUpload *u, int64 now_us)
{
	RcsJob *job = u->job;
	RcsAccount *a = u->account;
	RcsHttpRequest *r = &u->request;
	MemoryContext old = MemoryContextSwitchTo(job->cxt);

	u->url = psprintf("%s/file", a->options->url);
	MemoryContextSwitchTo(old);
	memset(r, 0, sizeof(*r));
	r->url = u->url;
	r->ca_file = a->options->ca_file;
	r->bearer = a->token;
	r->content_type = job->content_type;
	r->body = job->form.data;
	r->body_len = job->form.len;
	r->timeout_ms = (long) rcs_request_timeout * TIMEOUT_TIMES;
	u->token_serial = a->token_serial;
	rcs_token_used(a, now_us);
	u->account_key = rcs_account_key(a->options->url, a->options->rcs_id);
	if (rcs_http_start(r))
	{
		u->state = RCS_UPLOAD_FLYING;
		flying++;
	}
	else
		judge(u, now_us);
}

/* Ends the uploads of a job that is dropped. */
void
rcs_uploads_abort(RcsJob *job)
{
	for (int i = 0; i < job->nuploads; i++)
	{
		if (job->uploads[i].state != RCS_UPLOAD_FLYING)
			continue;
		rcs_http_abort(&job->uploads[i].request);
		flying--;
	}
}

static void
try_upload(RcsUpload *u, int64 now_us, int64 *wait_us)
{
	RcsAccount *a = u->account;
	bool probe;
	int64 wait;

	if (a->shared < 0)
		note_failure(u, ERRCODE_SYSTEM_ERROR,
					 a->options != NULL && a->options->problem != NULL ? a->options->problem
																	   : "there is no such server",
					 "");
	else if (!rcs_account_usable(a, now_us, &probe, &wait))
		account_closed(u, now_us);
	else if (!rcs_token_ready(a, now_us))
		*wait_us = Min(*wait_us, TOKEN_POLL);
	else
		start_upload(u, now_us);
}

/* Starts the uploads that are due. */
void
rcs_uploads_start(RcsJob *job, int64 now_us, int64 *wait_us)
{
	for (int i = 0; i < job->nuploads; i++)
	{
		RcsUpload *u = &job->uploads[i];

		if (u->state != RCS_UPLOAD_WAITING)
			continue;
		if (flying < RCS_MEDIA_TRANSFERS && now_us >= u->not_before_us)
			try_upload(u, now_us, wait_us);
		if (u->state == RCS_UPLOAD_WAITING && u->not_before_us > now_us)
			*wait_us = Min(*wait_us, u->not_before_us - now_us);
		else if (u->state != RCS_UPLOAD_FLYING)
			*wait_us = Min(*wait_us, TOKEN_POLL);
	}
}

/* ---------- results ---------- */

bool
rcs_uploads_over(const RcsJob *job, const RcsUpload **failed)
{
	*failed = NULL;
	for (int i = 0; i < job->nuploads; i++)
	{
		const RcsUpload *u = &job->uploads[i];

		if (u->state == RCS_UPLOAD_WAITING || u->state == RCS_UPLOAD_FLYING)
			return false;
		if (u->state == RCS_UPLOAD_FAILED && *failed == NULL)
			*failed = u;
	}
	return true;
}

bool
rcs_uploads_any(const RcsJob *job)
{
	for (int i = 0; i < job->nuploads; i++)
		if (job->uploads[i].state == RCS_UPLOAD_DONE ||
			job->uploads[i].state == RCS_UPLOAD_RECORDED)
			return true;
	return job->nuploads < list_length(job->accounts);
}

bool
rcs_uploads_to_record(const RcsJob *job)
{
	const RcsUpload *failed;

	for (int i = 0; i < job->nuploads; i++)
		if (job->uploads[i].state == RCS_UPLOAD_DONE)
			return true;
	return rcs_uploads_over(job, &failed);
}

/* In a transaction.  Writes down the uploads that the carrier has accepted. */
void
rcs_uploads_record(RcsJob *job)
{
	for (int i = 0; i < job->nuploads; i++)
	{
		RcsUpload *u = &job->uploads[i];
		RcsMediaCopy copy = {.server = u->account->server,
							 .account = u->account_key,
							 .digest = job->digest,
							 .generation = job->need.generation,
							 .file_id = job->need.file_id,
							 .type = job->type,
							 .size = job->size,
							 .expires_at = u->expires_at};

		if (u->state == RCS_UPLOAD_DONE)
			rcs_media_add_copy(&copy);
	}
}

/* The transaction has committed. */
void
rcs_uploads_recorded(RcsJob *job)
{
	for (int i = 0; i < job->nuploads; i++)
		if (job->uploads[i].state == RCS_UPLOAD_DONE)
			job->uploads[i].state = RCS_UPLOAD_RECORDED;
}
