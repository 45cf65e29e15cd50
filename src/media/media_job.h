/*
 * media_job.h
 *		A job of the uploader, as image_fetch.c, upload.c and uploader.c pass it on.
 *
 * A job is one request for an image.  It goes through these states:
 *	QUEUED		a transaction looks at what the tables have already
 *	FETCHING	the address is asked
 *	FETCHED		a transaction looks at what the tables have of this content
 *	UPLOADING	each account that lacks the content gets it; a transaction follows each success
 *	OVER		all is written down, and the request can be answered
 */
#ifndef RCS_MEDIA_JOB_H
#define RCS_MEDIA_JOB_H

#include "lib/ilist.h"

#include "account/data_server.h"
#include "carrier/carrier.h"
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
	int too_fast; /* answers, which are no tries */
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
	StringInfoData bytes; /* until the form is made */
	bool have_digest;
	uint8 digest[RCS_MEDIA_DIGEST];
	const char *type;
	int size;
	RcsMediaNeed need;
	StringInfoData form;
	char content_type[RCS_KT_BOUNDARY_SIZE + 40];
	RcsUpload *uploads;
	int nuploads;
	bool abandoned; /* the backend left before all tries were made */
	bool stale;		/* an account has the id, but expired: another id is needed */
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

/* In a transaction.  Fills job->need: the ids of the content, and the accounts that lack it. */
extern void rcs_job_need(RcsJob *job, const uint8 digest[RCS_MEDIA_DIGEST]);

#endif /* RCS_MEDIA_JOB_H */
