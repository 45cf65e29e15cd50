/*
 * image_ready.h
 *		Images that messages name by an address, as they are made for an account.
 */
#ifndef RCS_IMAGE_READY_H
#define RCS_IMAGE_READY_H

#include "utils/jsonb.h"

#include "carrier/carrier.h"

/* What a message waits for; "reason" is empty when it waits for nothing. */
typedef struct RcsImageWait
{
	char reason[RCS_REASON_SIZE];
	long delay_ms;
	bool hopeless; /* it has been tried often enough, the last time just now */
} RcsImageWait;

/*
 * All in a transaction.  Is each image of the message at this account?  If not,
 * the uploader has been asked, and the wait is set.  Failures before "since" make
 * nothing hopeless; 0: none does.
 */
extern bool rcs_image_ready(JsonbContainer *message, RcsAccount *a, const char *chatbot,
							TimestampTz since, RcsImageWait *wait);

/* The message with ids for its addresses; the same when it has none, NULL when one is gone. */
extern JsonbContainer *rcs_image_fill(JsonbContainer *message, RcsAccount *a);

#endif /* RCS_IMAGE_READY_H */
