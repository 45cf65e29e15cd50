/*
 * message_id.h
 *		Ids of messages, derived from the campaign and the number, or from a key.
 */
#ifndef RCS_MESSAGE_ID_H
#define RCS_MESSAGE_ID_H

#include "utils/uuid.h"

/* Id of a campaign's message to a canonical number; epoch 0 is the first send. */
extern void rcs_message_id(const pg_uuid_t *ns, const char *name, int epoch, pg_uuid_t *out);

/* Id of a single message that its sender gave a key; both texts are UTF-8. */
extern void rcs_keyed_id(const pg_uuid_t *ns, const char *chatbot, const char *key, pg_uuid_t *out);

#endif /* RCS_MESSAGE_ID_H */
