/*
 * identity.h
 *		Is this database still the one whose history it holds?
 */
#ifndef RCS_IDENTITY_H
#define RCS_IDENTITY_H

#include "datatype/timestamp.h"

/* All with SPI connected, as the owner. */

/* Compare, and adopt what is plainly the same; otherwise make a hold. */
extern void rcs_identity_check(void);

/* What is here now is right; with "all" also messages that were loaded from elsewhere. */
extern void rcs_identity_adopt(bool all, bool promoted);

/* Still alive; "sending": something was sent lately. */
extern void rcs_identity_beat(bool sending);

/*
 * Messages older than the first were loaded from elsewhere; messages older than
 * the second may have been sent by a former primary without a record here.
 */
extern void rcs_identity_read_times(TimestampTz *installed_at, TimestampTz *promoted_at);

#endif /* RCS_IDENTITY_H */
