/*
 * failing.c
 *		A campaign of which many messages fail is paused.
 *
 * Verdicts of the carrier are counted, and a later turn pauses the campaign.  This
 * file must not know leases and what a pause does with them.
 */
#include "postgres.h"

#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "campaign/verdict.h"
#include "delivery/failing.h"
#include "process/guc.h"
#include "process/wakeup.h"

void
rcs_failing_note(const RcsItem *item)
{
	RcsLaneCampaign *c = item->lease->campaign;
	char outcome = item->fate.outcome;
	int failed;
	int answered;

	if (c == NULL || rcs_pause_failed_percent == 0 ||
		(outcome != RCS_ACCEPTED && outcome != RCS_FAILED))
		return;
	if (!rcs_campaign_verdict(c->row.campaign_no, c->row.resumed_at, outcome == RCS_FAILED,
							  rcs_pause_failed_percent, rcs_pause_failed_min, &failed, &answered))
		return;
	c->nfailed = failed;
	c->nanswered = answered;
}

/* When its row is locked, because somebody steers it at the moment, it is left alone. */
void
rcs_failing_pause(RcsLaneCampaign *c)
{
	char reason[128];

	if (c->nfailed == 0 || c->row.paused || c->over)
		return;
	snprintf(reason, sizeof(reason), "%d of its latest %d messages have failed", c->nfailed,
			 c->nanswered);
	c->nfailed = 0;
	if (!rcs_outbox_pause(c->row.campaign_no, c->row.resumed_at, reason, false))
		return;
	rcs_wakeup_steered();
	ereport(LOG, (errmsg("rcs has paused campaign " INT64_FORMAT " of database \"%s\": %s",
						 c->row.campaign_no, get_database_name(MyDatabaseId), reason)));
}
