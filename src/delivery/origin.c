/*
 * origin.c
 *		Were the messages at hand made in this database, or loaded from a dump?
 *
 * Messages that are older than the extension came from elsewhere and may have been
 * sent there, so the database is put on hold.  This file must not know why
 * else there is a hold, nor what a hold does.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "delivery/origin.h"

static void
impose_foreign(void)
{
	rcs_holds_impose(
		"there are messages that are older than the extension in this database, so they were loaded from a dump");
}

void
rcs_origin_judge(const RcsMessageRow *messages, int n)
{
	for (int i = 0; i < n; i++)
		if (messages[i].created_at < rcs_holds_times()->installed_at)
		{
			impose_foreign();
			return;
		}
	rcs_holds_judge_contents();
}

bool
rcs_origin_judge_leases(int64 generation)
{
	TimestampTz oldest;
	bool complete = rcs_outbox_leased_messages(generation, &oldest);

	rcs_holds_judge_contents();
	if (rcs_holds_filled())
		return false;
	if (TIMESTAMP_IS_NOBEGIN(rcs_holds_times()->installed_at))
		return true;
	if (complete && oldest < rcs_holds_times()->installed_at)
		impose_foreign();
	return complete && oldest >= rcs_holds_times()->installed_at;
}
