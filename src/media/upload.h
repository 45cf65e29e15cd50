/*
 * upload.h
 *		Uploads of one content to the accounts that lack it.  For uploader.c and image_fetch.c.
 */
#ifndef RCS_UPLOAD_H
#define RCS_UPLOAD_H

#include "media/media_job.h"

extern void rcs_uploads_plan(RcsJob *job);
extern void rcs_uploads_start(RcsJob *job, int64 now_us, int64 *wait_us);
extern bool rcs_upload_done(RcsJob *job, RcsHttpRequest *r);
extern void rcs_uploads_abort(RcsJob *job);
extern bool rcs_uploads_to_record(const RcsJob *job);
extern void rcs_uploads_record(RcsJob *job);
extern void rcs_uploads_recorded(RcsJob *job);
extern bool rcs_uploads_any(const RcsJob *job); /* true when at least one account has the content */
extern bool rcs_uploads_over(const RcsJob *job, const RcsUpload **failed);

#endif /* RCS_UPLOAD_H */
