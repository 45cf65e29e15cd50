/*
 * brake.c
 *		A campaign whose messages the carrier knows already is paused, and tried again.
 *
 * A message that was never offered from here and is known to the carrier was sent by
 * another server: this database is a copy, or the campaign's id was used before.  That
 * stops this campaign only.  Single messages go on: a duplicate of one says nothing of
 * the next.  After some seconds a few messages are tried, then more; a message that is
 * accepted ends that.  Duplicates do no harm meanwhile, because the carrier refuses them.
 *
 * After a failover the carrier knows what the former primary sent last, so these do not
 * count for a while.  Later they tell that the former primary goes on, and then some
 * within a minute count, though others are accepted: the two take turns.
 *
 * This file must not know leases, nor what a pause does with them.
 */
#include "postgres.h"

#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/monotonic.h"
#include "carrier/carrier.h"
#include "delivery/brake.h"
#include "process/wakeup.h"

#define IN_A_ROW 20
#define WHEN_PROMOTED 5
#define LATELY (60 * SECOND)

#define REASON \
	"the carrier knew messages of it that were never offered from here; it is tried again every 10 seconds"

static int
allowed(const RcsLaneCampaign *c, int most)
{
	return c->row.probation > 0 ? c->row.probation : most;
}

void
rcs_brake_foreign(const RcsItem *item)
{
	RcsLaneCampaign *c = item->lease->campaign;
	const RcsIdentityTimes *times = rcs_holds_times();
	int64 now_us = rcs_now_us();

	if (c == NULL)
		return;
	if (item->message->created_at < times->promoted_at)
	{
		if (GetCurrentTimestamp() < times->lag_until)
			return;
		if (now_us - c->lately_us > LATELY)
		{
			c->lately_us = now_us;
			c->foreign_lately = 0;
		}
		c->foreign_lately++;
	}
	c->foreign++;
}

void
rcs_brake_accepted(const RcsItem *item)
{
	RcsLaneCampaign *c = item->lease->campaign;

	if (c == NULL)
		return;
	c->foreign = 0;
	c->proven |= c->row.probation > 0;
}

static void
pause_it(RcsLaneCampaign *c)
{
	bool first = c->row.probation == 0;

	c->foreign = c->foreign_lately = 0;
	if (!rcs_outbox_pause(c->row.campaign_no, c->row.resumed_at, REASON, true))
		return;
	rcs_wakeup_steered();
	if (first)
		ereport(LOG, (errmsg("rcs has paused campaign " INT64_FORMAT " of database \"%s\": %s",
							 c->row.campaign_no, get_database_name(MyDatabaseId), REASON)));
}

static void
end_probation(RcsLaneCampaign *c)
{
	c->proven = false;
	c->row.probation = 0;
	if (!rcs_outbox_brake_off(c->row.campaign_no))
		return;
	rcs_wakeup_steered();
	ereport(LOG, (errmsg("campaign " INT64_FORMAT
						 " of database \"%s\" goes on: the carrier accepts its messages",
						 c->row.campaign_no, get_database_name(MyDatabaseId))));
}

void
rcs_brake_turn(RcsLaneCampaign *c)
{
	if (c->over)
		return;
	if (c->proven)
		end_probation(c);
	else if (!c->row.paused &&
			 (c->foreign >= allowed(c, IN_A_ROW) || c->foreign_lately >= allowed(c, WHEN_PROMOTED)))
		pause_it(c);
}

void
rcs_brake_retry(const RcsCampaignRow *row)
{
	if (row->retry_at != 0 && row->retry_at <= GetCurrentTimestamp() &&
		rcs_outbox_brake_retry(row->campaign_no))
		rcs_wakeup_steered();
}
