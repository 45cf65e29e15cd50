/*
 * image_fetch.h
 *		Fetches the image that an address names.  For uploader.c.
 */
#ifndef RCS_IMAGE_FETCH_H
#define RCS_IMAGE_FETCH_H

#include "media/media_job.h"

extern void rcs_fetch_look(RcsJob *job);
extern void rcs_fetch_start(RcsJob *job);
extern bool rcs_fetch_done(RcsJob *job, RcsHttpRequest *r);
extern void rcs_fetch_abort(RcsJob *job);
extern void rcs_fetch_record(RcsJob *job, const char *problem);
extern void rcs_fetch_recorded(const RcsJob *job);

#endif /* RCS_IMAGE_FETCH_H */
