/*
 * uploader.h
 *		The uploader, as the loop of a delivery worker calls it.  One worker of a database begins it; in the others
 *		these functions do nothing.
 */
#ifndef RCS_UPLOADER_H
#define RCS_UPLOADER_H

#include "base/http_request.h"

extern int rcs_media_begin(void); /* gives the number of connections that it needs */
extern void rcs_media_round(int64 now_us, int64 *wait_us);
extern bool rcs_media_request_done(RcsHttpRequest *r);

#endif /* RCS_UPLOADER_H */
