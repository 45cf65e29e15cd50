/*
 * doubt.h
 *		May a message whose outcome is unknown be offered again?
 */
#ifndef RCS_DOUBT_H
#define RCS_DOUBT_H

#include "datatype/timestamp.h"

/* Is it held instead?  "own" is what its campaign says: 'r', 'h', or 0 for the setting. */
extern bool rcs_doubt_holds(char own);

/* Is an offer at this moment too late, after a first offer in doubt at "since"? */
extern bool rcs_doubt_too_old(TimestampTz since, TimestampTz at);

#endif /* RCS_DOUBT_H */
