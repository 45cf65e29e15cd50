/*
 * ad_hours.h
 *		The hours of the day in which advertising may leave.
 */
#ifndef RCS_AD_HOURS_H
#define RCS_AD_HOURS_H

#include "datatype/timestamp.h"
#include "pgtime.h"

#define RCS_AD_DAY_SIZE 16

typedef struct RcsAdHours
{
	int opens; /* minutes after midnight */
	int closes;
	pg_tz *zone;
} RcsAdHours;

/* Reads "08:00-21:00 Asia/Seoul".  NULL, or a sentence about the fault. */
extern const char *rcs_ad_hours_parse(const char *text, RcsAdHours *hours);

/*
 * May advertising leave now?  *edge is the end of the open time (DT_NOEND: there is
 * none), or the next opening when it may not leave.
 */
extern bool rcs_ad_hours_open(const RcsAdHours *hours, int margin_s, TimestampTz now,
							  TimestampTz *edge);

/* "2026-11-26 08:00 Asia/Seoul" */
extern void rcs_ad_hours_write(const RcsAdHours *hours, TimestampTz at, char *text, int size);

/* "2026-11-26": the date in the time zone of the hours. */
extern void rcs_ad_hours_day(const RcsAdHours *hours, TimestampTz at, char text[RCS_AD_DAY_SIZE]);

#endif /* RCS_AD_HOURS_H */
