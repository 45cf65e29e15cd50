/*
 * ad_window.c
 *		The ad hours: may advertising leave at this moment, and when may it next?
 *
 * A change of the setting moves what waits in the queue, once.  This file must not
 * know refusals, fates and permits.
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "delivery/ad_window.h"
#include "process/guc.h"
#include "process/wakeup.h"
#include "queue/outbox_people.h"

static struct
{
	/* the settings, as they were read last */
	char *text;
	RcsAdHours hours;
	int margin_s;

	/* from one moment to another the answer is the same */
	TimestampTz from;
	TimestampTz until;
	bool open;

	bool applied;	  /* what waits in the queue goes by these settings */
	bool applied_now; /* ... since the turn under way */
} window;

/* The check hook of the setting has accepted the text. */
static void
read_settings(void)
{
	if (window.text != NULL && strcmp(window.text, rcs_ad_hours) == 0 &&
		window.margin_s == rcs_ad_margin)
		return;
	if (window.text != NULL)
		pfree(window.text);
	window.text = MemoryContextStrdup(TopMemoryContext, rcs_ad_hours);
	window.margin_s = rcs_ad_margin;
	(void) rcs_ad_hours_parse(window.text, &window.hours);
	window.until = 0;
	window.applied = false;
}

static bool
open_at(TimestampTz now)
{
	read_settings();
	if (now < window.from || now >= window.until)
	{
		window.open = rcs_ad_hours_open(&window.hours, window.margin_s, now, &window.until);
		window.from = now;
	}
	return window.open;
}

static void
closed_reason(char *reason, int size)
{
	strlcpy(reason, RCS_OUTSIDE_AD_HOURS, size);
	rcs_ad_hours_write(&window.hours, window.until, reason + strlen(reason),
					   size - (int) strlen(reason));
}

bool
rcs_ad_window_allows(const RcsItem *item, TimestampTz now, TimestampTz *due_at, char *reason,
					 int size)
{
	if (!item->ad || item->message->night_consent || open_at(now))
		return true;
	*due_at = window.until;
	closed_reason(reason, size);
	return false;
}

void
rcs_ad_window_clock_set_back(void)
{
	window.until = 0;
	window.applied = false;
}

bool
rcs_ad_window_wanted(void)
{
	read_settings();
	return !window.applied;
}

void
rcs_ad_window_turn(void)
{
	char reason[RCS_REASON_SIZE];
	TimestampTz due_at = 0;

	window.applied_now = false;
	if (!rcs_ad_window_wanted())
		return;
	if (!open_at(GetCurrentTimestamp()))
	{
		due_at = window.until;
		closed_reason(reason, sizeof(reason));
	}
	if (rcs_outbox_move_ads(rcs_delivery.lane == RCS_WORKER_SINGLE, due_at, reason))
		rcs_wakeup_campaign();
	window.applied = window.applied_now = true;
}

void
rcs_ad_window_rolled_back(void)
{
	window.applied &= !window.applied_now;
}

void
rcs_ad_window_day(TimestampTz now, char day[RCS_AD_DAY_SIZE])
{
	read_settings();
	rcs_ad_hours_day(&window.hours, now, day);
}
