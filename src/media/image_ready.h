/*
 * image_ready.h
 *		Images that messages name by an address, as they are made for an account.
 */
#ifndef RCS_IMAGE_READY_H
#define RCS_IMAGE_READY_H

#include "utils/jsonb.h"

#include "carrier/carrier.h"

/* Why a message waits; "reason" is empty when it does not wait. */
typedef struct RcsImageWait
{
	char reason[RCS_REASON_SIZE];
	long delay_ms;
	bool hopeless; /* many tries have failed, the last one just now */
} RcsImageWait;

/*
 * In a transaction.  True when this account has each image of the message.  Else the
 * uploader has been asked, and the wait is set.  Only failures after "since" make a
 * message hopeless; with 0 no failure does.
 */
extern bool rcs_image_ready(JsonbContainer *message, RcsAccount *a, const char *chatbot,
							TimestampTz since, RcsImageWait *wait);

/* In a transaction.  The message with ids for its addresses; NULL when an image is gone. */
extern JsonbContainer *rcs_image_fill(JsonbContainer *message, RcsAccount *a);

#endif /* RCS_IMAGE_READY_H */
