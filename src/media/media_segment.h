/*
 * media_segment.h
 *		An image on its way from a backend to the uploader.
 */
#ifndef RCS_MEDIA_SEGMENT_H
#define RCS_MEDIA_SEGMENT_H

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "storage/dsm.h"

/* In the caller's resource owner.  "servers" are names. */
extern dsm_segment *rcs_media_segment_make(List *servers, const char *bytes, size_t len);

/* In a transaction, into the caller's memory context.  False when its owner has detached it. */
extern bool rcs_media_segment_read(dsm_handle handle, List **servers, StringInfo bytes);

#endif /* RCS_MEDIA_SEGMENT_H */
