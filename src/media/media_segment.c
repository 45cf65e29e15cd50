/*
 * media_segment.c
 *		An image on its way from a backend to the uploader: a segment of dynamic
 *		shared memory with the bytes and the names of the accounts it is for.
 *
 * This file must not know which process waits, or how an image is uploaded.
 */
#include "postgres.h"

#include "media/image_file.h"
#include "media/media_segment.h"

typedef struct Head
{
	uint32 names; /* bytes of names, each with its zero */
	uint32 len;	  /* bytes of the image, behind them */
} Head;

static Size
names_size(List *servers)
{
	Size size = 0;
	ListCell *lc;

	foreach(lc, servers)
		size += strlen(lfirst(lc)) + 1;
	return size;
}

dsm_segment *
rcs_media_segment_make(List *servers, const char *bytes, size_t len)
{
	Size names = names_size(servers);
	dsm_segment *segment = dsm_create(sizeof(Head) + names + len, 0);
	Head *head = dsm_segment_address(segment);
	char *to = (char *) (head + 1);
	ListCell *lc;

	head->names = (uint32) names;
	head->len = (uint32) len;
	foreach(lc, servers)
	{
		strlcpy(to, lfirst(lc), strlen(lfirst(lc)) + 1);
		to += strlen(to) + 1;
	}
	memcpy(to, bytes, len);
	return segment;
}

bool
rcs_media_segment_read(dsm_handle handle, List **servers, StringInfo bytes)
{
	dsm_segment *segment = dsm_attach(handle);
	const Head *head;
	const char *names;

	if (segment == NULL)
		return false;
	head = dsm_segment_address(segment);
	names = (const char *) (head + 1);
	*servers = NIL;
	for (uint32 at = 0; at < head->names; at += strlen(names + at) + 1)
		*servers = lappend(*servers, pstrdup(names + at));
	appendBinaryStringInfo(bytes, names + head->names, (int) head->len);
	dsm_detach(segment);
	return true;
}
