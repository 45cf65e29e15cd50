/*
 * stored_message.h
 *		One message as rcs.message has it, with what its campaign says about it.
 */
#ifndef RCS_STORED_MESSAGE_H
#define RCS_STORED_MESSAGE_H

#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "base/pg_compat.h"

typedef struct RcsStoredMessage
{
	pg_uuid_t id;
	int64 campaign_no; /* 0 = a single message */
	int64 batch_id;
	int ord;
	char *created_by;
	char *chatbot;
	pg_uuid_t campaign; /* with campaign_no > 0, as the next one */
	int version;		/* the campaign's present text */
	Jsonb *message;		/* NULL for a campaign's message, or when erased */
	Jsonb *params;
	bool erased;
} RcsStoredMessage;

/*
 * Called as the owner, with SPI connected; in the current memory context.  One
 * error for an unknown id and for a message that the caller may not see: ids of a
 * campaign can be computed from numbers, and must not tell who was sent to.
 */
extern RcsStoredMessage *rcs_stored_message_load(const pg_uuid_t *id, Oid caller);
pg_noreturn extern void rcs_no_such_message(const pg_uuid_t *id);

#endif /* RCS_STORED_MESSAGE_H */
