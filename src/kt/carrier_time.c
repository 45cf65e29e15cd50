/*
 * carrier_time.c
 *		Times as the carrier writes them: 2026-01-31T09:00:00.123+09.
 *
 * The text is foreign, so nothing here raises: text that is no time gives null.  The offset
 * is hours only at the carrier and anything of ISO 8601 here; a time without
 * one is Korean.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "kt/carrier_time.h"

#define KOREA (9 * SECS_PER_HOUR)

/* Takes n digits and returns them as a number.  -1: they are not there, and none is taken. */
static int
take_digits(const char **s, int n)
{
	int value = 0;

	for (int i = 0; i < n; i++)
	{
		if ((*s)[i] < '0' || (*s)[i] > '9')
			return -1;
		value = value * 10 + ((*s)[i] - '0');
	}
	*s += n;
	return value;
}

static bool
take(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

/* Up to six digits behind the point count, more are skipped. */
static int
take_fraction(const char **s)
{
	int microseconds = 0;
	int digits = 0;

	for (; **s >= '0' && **s <= '9'; (*s)++)
	{
		if (digits++ < 6)
			microseconds = microseconds * 10 + (**s - '0');
	}
	for (; digits < 6; digits++)
		microseconds *= 10;
	return microseconds;
}

/* Takes an offset, as seconds east of Greenwich.  False: there is no valid one. */
static bool
take_offset(const char **s, int *offset)
{
	bool west;
	int hours;
	int minutes = 0;

	*offset = KOREA;
	if (**s == '\0')
		return true;
	*offset = 0;
	if (take(s, 'Z') || take(s, 'z'))
		return true;
	west = **s == '-';
	if (!take(s, '+') && !take(s, '-'))
		return false;
	hours = take_digits(s, 2);
	if (hours < 0 || hours > 15)
		return false;
	if (take(s, ':') || **s != '\0')
		minutes = take_digits(s, 2);
	if (minutes < 0 || minutes > 59)
		return false;
	*offset = (hours * MINS_PER_HOUR + minutes) * SECS_PER_MINUTE * (west ? -1 : 1);
	return true;
}

static bool
is_date(const struct pg_tm *tm)
{
	return tm->tm_year > 0 && tm->tm_mon >= 1 && tm->tm_mon <= MONTHS_PER_YEAR &&
		   tm->tm_mday >= 1 && tm->tm_mday <= day_tab[isleap(tm->tm_year)][tm->tm_mon - 1] &&
		   tm->tm_hour >= 0 && tm->tm_hour < HOURS_PER_DAY && tm->tm_min >= 0 &&
		   tm->tm_min < MINS_PER_HOUR && tm->tm_sec >= 0 && tm->tm_sec <= SECS_PER_MINUTE;
}

bool
rcs_carrier_time_parse(const char *s, TimestampTz *result)
{
	struct pg_tm tm = {0};
	fsec_t fraction = 0;
	int offset;

	tm.tm_year = take_digits(&s, 4);
	if (!take(&s, '-'))
		return false;
	tm.tm_mon = take_digits(&s, 2);
	if (!take(&s, '-'))
		return false;
	tm.tm_mday = take_digits(&s, 2);
	if (!take(&s, 'T') && !take(&s, ' '))
		return false;
	tm.tm_hour = take_digits(&s, 2);
	if (!take(&s, ':'))
		return false;
	tm.tm_min = take_digits(&s, 2);
	if (!take(&s, ':'))
		return false;
	tm.tm_sec = take_digits(&s, 2);
	if (take(&s, '.') || take(&s, ','))
		fraction = take_fraction(&s);
	if (!take_offset(&s, &offset) || *s != '\0' || !is_date(&tm) ||
		tm2timestamp(&tm, fraction, NULL, result) != 0)
		return false;
	*result -= (int64) offset * USECS_PER_SEC;
	return IS_VALID_TIMESTAMP(*result);
}

PG_FUNCTION_INFO_V1(rcs_carrier_time);
Datum
rcs_carrier_time(PG_FUNCTION_ARGS)
{
	TimestampTz result;

	if (!rcs_carrier_time_parse(text_to_cstring(PG_GETARG_TEXT_PP(0)), &result))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(result);
}
