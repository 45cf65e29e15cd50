/*
 * chunk.h
 *		Recipients of a campaign, judged one by one and stored by the thousand.
 */
#ifndef RCS_CHUNK_H
#define RCS_CHUNK_H

#include "utils/jsonb.h"
#include "utils/uuid.h"

#define RCS_CHUNK_ROWS 5000

typedef struct RcsAdd RcsAdd;

/* One recipient; the pointers must stay valid until the chunk is flushed. */
typedef struct RcsRecipient
{
	const char *phone; /* NULL = none */
	int phone_len;
	Jsonb *params; /* NULL = none */
	text *ref;	   /* NULL = none */
	bool consent_known;
	bool night_consent;
} RcsRecipient;

typedef struct RcsAddCounts
{
	int64 added;
	int64 duplicates;
	int64 rejected;
} RcsAddCounts;

/*
 * begin checks the caller's rights and takes the campaign's lock until the end
 * of the transaction.  flush may be called after any row, and must be called
 * after RCS_CHUNK_ROWS rows.  Only these functions act as the owner; between the
 * calls the caller has its own rights.
 */
extern RcsAdd *rcs_add_begin(const pg_uuid_t *campaign);
extern MemoryContext rcs_add_row_context(RcsAdd *a); /* lives as long as the chunk */
extern void rcs_add_recipient(RcsAdd *a, const RcsRecipient *r);
extern void rcs_add_flush(RcsAdd *a);
extern void rcs_add_finish(RcsAdd *a, RcsAddCounts *counts);

#endif /* RCS_CHUNK_H */
