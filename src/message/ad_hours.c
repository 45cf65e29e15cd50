/*
 * ad_hours.c
 *		The hours of the day in which advertising may leave: parsing, and where a
 *		moment lies.
 *
 * They are hours of a place, so a day may have another length when its clocks
 * are changed.  Pure functions: the setting itself is guc.c's.
 */
#include "postgres.h"

#include <ctype.h>

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "message/ad_hours.h"

#define DAY_MINUTES (24 * 60)

PG_FUNCTION_INFO_V1(rcs_ad_opening);
PG_FUNCTION_INFO_V1(rcs_ad_closing);
PG_FUNCTION_INFO_V1(rcs_ad_day);

/* ---------- parsing ---------- */

/* "08:00" or "8:00", up to 24:00 */
static bool
parse_clock(const char **p, int *minutes)
{
	int hour = 0;
	int digits = 0;

	for (; isdigit((unsigned char) **p) && digits < 2; digits++)
		hour = hour * 10 + *(*p)++ - '0';
	if (digits == 0 || *(*p)++ != ':')
		return false;
	if (!isdigit((unsigned char) (*p)[0]) || !isdigit((unsigned char) (*p)[1]))
		return false;
	*minutes = hour * 60 + ((*p)[0] - '0') * 10 + (*p)[1] - '0';
	if ((*p)[0] > '5' || *minutes > DAY_MINUTES)
		return false;
	*p += 2;
	return true;
}

const char *
rcs_ad_hours_parse(const char *text, RcsAdHours *hours)
{
	const char *p = text;

	if (!parse_clock(&p, &hours->opens) || *p++ != '-' || !parse_clock(&p, &hours->closes))
		return "It does not begin with two times of the day, as 08:00-21:00 does.";
	if (*p != ' ')
		return "No time zone follows the times.";
	while (*p == ' ')
		p++;
	hours->zone = pg_tzset(p);
	if (hours->zone == NULL)
		return "There is no time zone of this name.";
	return NULL;
}

/* ---------- moments ---------- */

static void
local_time(const RcsAdHours *h, TimestampTz at, struct pg_tm *tm)
{
	int offset;
	fsec_t fraction;

	if (timestamp2tm(at, &offset, tm, &fraction, NULL, h->zone) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
}

static TimestampTz
moment(const RcsAdHours *h, int day, int minutes)
{
	struct pg_tm tm = {0};
	TimestampTz at;
	int offset;

	j2date(day + minutes / DAY_MINUTES, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
	tm.tm_hour = minutes % DAY_MINUTES / 60;
	tm.tm_min = minutes % 60;
	tm.tm_isdst = -1;
	offset = DetermineTimeZoneOffset(&tm, h->zone);
	if (tm2timestamp(&tm, 0, &offset, &at) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
	return at;
}

/* Hours that end before they begin end on the next day; hours that end where they begin never end. */
bool
rcs_ad_hours_open(const RcsAdHours *h, int margin_s, TimestampTz now, TimestampTz *edge)
{
	struct pg_tm tm;
	int today;

	*edge = DT_NOEND;
	if (h->opens % DAY_MINUTES == h->closes % DAY_MINUTES)
		return true;
	local_time(h, now, &tm);
	today = date2j(tm.tm_year, tm.tm_mon, tm.tm_mday);
	for (int day = today - 1; day <= today + 2; day++)
	{
		TimestampTz opens = moment(h, day, h->opens);
		TimestampTz closes =
			TimestampTzPlusMilliseconds(moment(h, day + (h->closes < h->opens ? 1 : 0), h->closes),
										INT64CONST(-1000) * margin_s);

		if (closes <= opens || closes <= now)
			continue;
		*edge = opens <= now ? closes : opens;
		return opens <= now;
	}
	/* the margin is longer than the hours are */
	*edge = TimestampTzPlusMilliseconds(now, INT64CONST(1000) * DAY_MINUTES * 60);
	return false;
}

void
rcs_ad_hours_write(const RcsAdHours *h, TimestampTz at, char *text, int size)
{
	struct pg_tm tm;

	local_time(h, at, &tm);
	snprintf(text, size, "%04d-%02d-%02d %02d:%02d %s", tm.tm_year, tm.tm_mon, tm.tm_mday,
			 tm.tm_hour, tm.tm_min, pg_get_timezone_name(h->zone));
}

void
rcs_ad_hours_day(const RcsAdHours *h, TimestampTz at, char text[RCS_AD_DAY_SIZE])
{
	struct pg_tm tm;

	local_time(h, at, &tm);
	snprintf(text, RCS_AD_DAY_SIZE, "%04d-%02d-%02d", tm.tm_year % 10000, tm.tm_mon % 100,
			 tm.tm_mday % 100);
}

/* ---------- for SQL ---------- */

static void
hours_argument(text *argument, RcsAdHours *hours)
{
	const char *problem = rcs_ad_hours_parse(text_to_cstring(argument), hours);

	if (problem != NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid ad hours"),
						errdetail("%s", problem)));
}

/*
 * (at, hours, margin in seconds).  When "at" lies in an open time (of_open) or in a closed
 * one, the end of that time; otherwise "at" itself.
 */
static TimestampTz
edge_of(FunctionCallInfo fcinfo, bool of_open)
{
	TimestampTz at = PG_GETARG_TIMESTAMPTZ(0);
	RcsAdHours hours;
	TimestampTz edge;

	hours_argument(PG_GETARG_TEXT_PP(1), &hours);
	if (TIMESTAMP_NOT_FINITE(at) ||
		rcs_ad_hours_open(&hours, PG_GETARG_INT32(2), at, &edge) != of_open)
		return at;
	return edge;
}

/* The first moment from "at" on in which advertising may leave. */
Datum
rcs_ad_opening(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMPTZ(edge_of(fcinfo, false));
}

/* The moment, from "at" on, until which advertising may leave. */
Datum
rcs_ad_closing(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMPTZ(edge_of(fcinfo, true));
}

/* (at, hours): the date in the time zone of the hours. */
Datum
rcs_ad_day(PG_FUNCTION_ARGS)
{
	RcsAdHours hours;
	char day[RCS_AD_DAY_SIZE];

	hours_argument(PG_GETARG_TEXT_PP(1), &hours);
	rcs_ad_hours_day(&hours, PG_GETARG_TIMESTAMPTZ(0), day);
	PG_RETURN_DATUM(DirectFunctionCall1(date_in, CStringGetDatum(day)));
}
