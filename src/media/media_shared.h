/*
 * media_shared.h
 *		Requests for images, handed to the process that uploads: the single
 *		worker 0 of their database.
 *
 * A backend that has bytes waits for the answer.  A worker that has the address of an
 * image does not wait: it looks at the tables again.
 */
#ifndef RCS_MEDIA_SHARED_H
#define RCS_MEDIA_SHARED_H

#include "storage/dsm.h"

#include "media/image_file.h"
#include "message/media_url.h"

#define RCS_MEDIA_PLACES 64
#define RCS_MEDIA_REASON 320

typedef struct RcsMediaAnswer
{
	bool ok;
	int sqlstate;				 /* unless ok */
	char text[RCS_MEDIA_REASON]; /* the file's id, or the message of an error */
} RcsMediaAnswer;

/* A request as the uploader takes it. */
typedef struct RcsMediaTask
{
	int place;
	uint32 number; /* of the request, since a place is used again */
	bool is_url;
	char chatbot[NAMEDATALEN];
	char url[RCS_MEDIA_URL_MAX + 1]; /* if is_url, else: */
	dsm_handle handle;				 /* of the segment that media_segment.c made */
	uint8 digest[RCS_MEDIA_DIGEST];
} RcsMediaTask;

extern void rcs_media_shared_init(void);

/* ---------- a backend ---------- */

/* False when no place is free.  Detaching the segment frees the place. */
extern bool rcs_media_ask(dsm_segment *segment, const char *chatbot,
						  const uint8 digest[RCS_MEDIA_DIGEST]);
/* silent_us: the time since an uploader of this database was last seen */
extern bool rcs_media_answered(RcsMediaAnswer *answer, int64 *silent_us);

/* ---------- any worker ---------- */

/* May be repeated; the answer is in the tables.  Gives the time since an uploader saw the request. */
extern int64 rcs_media_want_url(const char *url, const char *chatbot);

/* ---------- the uploader ---------- */

extern void rcs_media_uploader_begins(void);
extern void rcs_media_uploader_lives(void); /* often */
extern bool rcs_media_take(RcsMediaTask *task);
extern bool rcs_media_still_wanted(int place, uint32 number);
extern void rcs_media_answer(int place, uint32 number, const RcsMediaAnswer *answer);

#endif /* RCS_MEDIA_SHARED_H */
