/*
 * overdue.c
 *		Which messages have waited too long for their report.
 *
 * A walk looks at the results of the last three days, a few at a time, and then
 * begins again.  A message is due when it has waited 1, 2, 4 ... times as long as is
 * normal.  That follows from its age and from the time of the walk before, so
 * nothing is written down about it.  Only accounts that report at all are asked.
 *
 * This file must not know SQL, or how the carrier is asked.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "base/monotonic.h"
#include "process/guc.h"
#include "report/overdue.h"
#include "report/polled_accounts.h"

#define STEP 200 /* results looked at in a transaction */
#define STEP_PAUSE (SECOND / 5)
#define WAITING_MAX 400 /* messages to be asked about, of one account */
#define LONGEST_REST (600 * SECOND)

static RcsPollPlace place;	   /* the last result looked at */
static RcsPollPlace new_place; /* ... if the transaction commits */
static int64 step_at_us = 0;
static int64 begun_us = 0;		  /* this walk; 0: none is under way */
static int64 begun_before_us = 0; /* the walk before it */
static bool first_report =
	false; /* an account was found to report: its messages before that must be seen again */
static int seen = 0;

/* The pause between two walks. */
static int64
rest_us(void)
{
	return Min(LONGEST_REST, Max(SECOND, (int64) rcs_report_overdue * SECOND / 6));
}

bool
rcs_overdue_wanted(int64 now_us, int64 *wait_us)
{
	if (rcs_report_overdue == 0)
		return false;
	if (now_us < step_at_us)
	{
		*wait_us = Min(*wait_us, step_at_us - now_us);
		return false;
	}
	if (rcs_poll_most_overdue(now_us) > WAITING_MAX - STEP)
	{
		step_at_us = now_us + SECOND;
		return false;
	}
	if (begun_us == 0)
	{
		begun_us = now_us;
		if (begun_before_us == 0)
			begun_before_us = now_us - (int64) rcs_report_overdue * SECOND;
		memset(&place, 0, sizeof(place));
		place.campaign_no = -1;
	}
	return true;
}

/* True when its age has passed 1, 2, 4 ... times the normal time since the walk before. */
static bool
is_due(int64 age_s, int64 now_us)
{
	int64 before_s = age_s - (now_us - begun_before_us) / SECOND;
	int64 step_s = rcs_report_overdue;

	while (step_s * 2 <= age_s)
		step_s *= 2;
	return before_s < step_s;
}

static void
add(RcsPoll *p, const char *message)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	p->overdue = lappend(p->overdue, pstrdup(message));
	MemoryContextSwitchTo(old);
}

/* In a transaction. */
void
rcs_overdue_look(int64 now_us)
{
	RcsAwaited *list;
	int n;

	new_place = place;
	n = rcs_poll_awaited(&new_place, STEP, rcs_report_overdue, CurrentMemoryContext, &list, &seen);
	for (int i = 0; i < n; i++)
	{
		RcsPoll *p = rcs_poll_of(list[i].server);

		if (p == NULL || !p->present)
			continue;
		if (list[i].reported && !p->reports)
			first_report = p->reports = true;
		else if (!list[i].reported && p->reports && is_due(list[i].age_s, now_us) &&
				 now_us + SECOND >= p->overdue_at_us)
			add(p, list[i].message);
	}
}

void
rcs_overdue_looked(bool committed, int64 now_us)
{
	step_at_us = now_us + STEP_PAUSE;
	if (!committed)
		return;
	place = new_place;
	if (seen == STEP)
		return;
	/* the end of a walk */
	if (!first_report)
		begun_before_us = begun_us;
	first_report = false;
	begun_us = 0;
	step_at_us = now_us + rest_us();
}
