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
extern void rcs_identity_adopt(bool all);

/* Still alive; "sending": something was sent lately. */
extern void rcs_identity_beat(bool sending);

/* Messages older than this were loaded from elsewhere. */
extern TimestampTz rcs_identity_installed_at(void);

#endif							/* RCS_IDENTITY_H */
