/*
 * identity.h
 *		Notices that the data of this database were restored or copied.
 */
#ifndef RCS_IDENTITY_H
#define RCS_IDENTITY_H

#include "datatype/timestamp.h"

/* All with SPI connected, as the owner. */

/* Compares the row with this server, and adopts it or makes a hold. */
extern void rcs_identity_check(void);

/* Would a worker that starts now make a hold? */
extern bool rcs_identity_is_suspect(void);

/* Writes this server into the row; "all": messages that were loaded from elsewhere may go too. */
extern void rcs_identity_adopt(bool all, bool promoted);

/* Still alive; "sending": something was sent lately. */
extern void rcs_identity_beat(bool sending);

typedef struct RcsIdentityTimes
{
	TimestampTz installed_at; /* older messages were loaded from elsewhere */
	TimestampTz
		promoted_at; /* older ones may have been sent by a former primary without a record here */
	TimestampTz lag_until; /* by then it is known which of these were */
} RcsIdentityTimes;

extern void rcs_identity_read_times(RcsIdentityTimes *times);

#endif /* RCS_IDENTITY_H */
