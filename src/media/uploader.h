/*
 * uploader.h
 *		What the files of the uploader share: private to uploader.c,
 *		upload.c and image_fetch.c, but for the last part.
 *
 * A job is one request that was taken.  It goes through these hands:
 *	QUEUED		what is there already?			(a transaction)
 *	FETCHING	its address is asked
 *	FETCHED		what is there of this content?	(a transaction)
 *	UPLOADING	to each account that lacks it	(a transaction for each success)
 *	OVER		written down and to be answered
 */
#ifndef RCS_UPLOADER_H
#define RCS_UPLOADER_H

#include "account/data_server.h"
#include "delivery/state.h"
#include "kt/file_form.h"
#include "media/media_shared.h"
#include "media/media_store.h"

#define RCS_MEDIA_TRANSFERS 4 /* uploads at once; as many fetches */

typedef enum RcsJobState
{
	RCS_JOB_QUEUED,
	RCS_JOB_FETCHING,
	RCS_JOB_FETCHED,
	RCS_JOB_UPLOADING,
	RCS_JOB_OVER
} RcsJobState;

typedef enum RcsUploadState
{
	RCS_UPLOAD_WAITING,
	RCS_UPLOAD_FLYING,
	RCS_UPLOAD_DONE, /* the carrier has it; to be written down */
	RCS_UPLOAD_RECORDED,
	RCS_UPLOAD_FAILED
} RcsUploadState;

/* One content to one account. */
typedef struct RcsUpload
{
	struct RcsJob *job;
	RcsAccount *account;
	RcsUploadState state;
	int tries;
	int64 not_before_us;
	int token_serial;
	char *url;
	int64 account_key; /* of the account it went to */
	RcsHttpRequest request;
	TimestampTz expires_at;
	int sqlstate; /* of the last failure */
	char problem[RCS_MEDIA_REASON];
} RcsUpload;

typedef struct RcsJob
{
	dlist_node node; /* in order of arrival */
	MemoryContext cxt;
	RcsJobState state;
	RcsMediaTask task;
	List *servers;	/* names */
	List *accounts; /* of RcsAccount, in the same order */

	/* the content, when it is known */
	StringInfoData bytes; /* until the form is made of them */
	bool have_digest;
	uint8 digest[RCS_MEDIA_DIGEST];
	const char *type;
	int size;
	RcsMediaNeed need;
	StringInfoData form;
	char content_type[RCS_KT_BOUNDARY_SIZE + 40];
	RcsUpload *uploads;
	int nuploads;
	bool abandoned; /* not all tries were made, since nobody waits */
	bool stale;		/* an account has it, but expired: another id is needed */
	int rounds;		/* ... how often */

	/* an address */
	RcsDataServer *source;
	char *source_name;
	RcsHttpRequest fetch;
	bool fetching;	/* its request is under way */
	int failures;	/* before this job */
	bool had_image; /* an earlier look has found one */
	bool recorded;	/* by the transaction under way */
	char problem[RCS_MEDIA_REASON];

	int tries;		  /* transactions that failed */
	int64 again_us;	  /* ... when to try again */
	RcsJobState next; /* its state when the transaction has committed */
	RcsMediaAnswer answer;
} RcsJob;

/* upload.c */
extern int rcs_uploads_flying(void);
extern void rcs_uploads_plan(RcsJob *job);
extern void rcs_uploads_start(RcsJob *job, int64 now_us, int64 *wait_us);
extern bool rcs_upload_done(RcsJob *job, RcsHttpRequest *r);
extern void rcs_uploads_abort(RcsJob *job);
extern bool rcs_uploads_to_record(const RcsJob *job);
extern void rcs_uploads_record(RcsJob *job);
extern void rcs_uploads_recorded(RcsJob *job);
extern bool rcs_uploads_any(const RcsJob *job); /* has an account got it? */
extern bool rcs_uploads_over(const RcsJob *job, const RcsUpload **failed);

/* image_fetch.c */
extern int rcs_fetches_flying(void);
extern void rcs_fetch_look(RcsJob *job);
extern void rcs_fetch_start(RcsJob *job);
extern bool rcs_fetch_done(RcsJob *job, RcsHttpRequest *r);
extern void rcs_fetch_abort(RcsJob *job);
extern void rcs_fetch_record(RcsJob *job, const char *problem);
extern void rcs_fetch_recorded(const RcsJob *job);

/* uploader.c */
extern void rcs_job_need(RcsJob *job, const uint8 digest[RCS_MEDIA_DIGEST]);

/* ---------- for delivery_worker.c and slot_status.c ---------- */

extern int rcs_media_begin(void);
extern void rcs_media_round(int64 now_us, int64 *wait_us);
extern bool rcs_media_request_done(RcsHttpRequest *r);
extern int rcs_media_active(void); /* its requests that are under way */

#endif /* RCS_UPLOADER_H */
