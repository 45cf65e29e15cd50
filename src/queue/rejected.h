/*
 * rejected.h
 *		The record of recipients that were not taken.
 */
#ifndef RCS_REJECTED_H
#define RCS_REJECTED_H

#include "utils/jsonb.h"
#include "utils/uuid.h"

typedef struct RcsRejected
{
	const pg_uuid_t *campaign; /* NULL for a single message */
	const char *phone;		   /* as given; NULL = none */
	int phone_len;
	Jsonb *params; /* NULL = none */
	text *ref;	   /* NULL = none */
	const char *code;
	const char *reason;
} RcsRejected;

/* Called as the owner, with SPI connected. */
extern void rcs_rejected_insert(const RcsRejected *r);

#endif /* RCS_REJECTED_H */
