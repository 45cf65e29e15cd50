/*
 * single.h
 *		Queues one single message, and checks of all functions that send.
 */
#ifndef RCS_SINGLE_H
#define RCS_SINGLE_H

#include "datatype/timestamp.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

typedef struct RcsSingle
{
	pg_uuid_t id;
	const char *phone; /* canonical */
	Jsonb *message;	   /* the whole of it, placeholders filled */
	const char *chatbot;
	const char *key;		/* NULL = none */
	bytea *digest;			/* with a key */
	TimestampTz send_at;	/* 0 = now */
	TimestampTz expires_at; /* 0 = never */
	Oid created_by;
	bool urgent; /* it goes before those that are not */
} RcsSingle;

/*
 * Queues it, to be sent at COMMIT.  Called as the owner (owner.h); false when
 * the id is taken.
 */
extern bool rcs_single_insert(const RcsSingle *single);

/* The same for one with a key, from which it makes the id and the digest.  A
 * repeat queues nothing; other content under the same key is an error. */
extern void rcs_single_insert_keyed(RcsSingle *single);

/* Its id and digest, of a key; "ns" is that of this installation. */
extern void rcs_single_namespace(pg_uuid_t *ns);
extern void rcs_single_identify(RcsSingle *single, const pg_uuid_t *ns);

/* Raises for a start or an expiry that cannot be meant; 0 = not given. */
extern void rcs_check_times(TimestampTz start_at, TimestampTz expires_at, const char *start_name);

#endif /* RCS_SINGLE_H */
