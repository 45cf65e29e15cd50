/*
 * carrier_time.h
 *		Times as the carrier writes them.
 */
#ifndef RCS_CARRIER_TIME_H
#define RCS_CARRIER_TIME_H

#include "datatype/timestamp.h"

/* False: the text is no time.  Raises nothing. */
extern bool rcs_carrier_time_parse(const char *s, TimestampTz *result);

#endif /* RCS_CARRIER_TIME_H */
