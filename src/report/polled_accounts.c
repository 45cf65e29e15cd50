/*
 * polled_accounts.c
 *		The accounts that are asked for reports, and how far each question is.
 *
 * This file must not know what is asked, or when.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "base/monotonic.h"
#include "report/polled_accounts.h"

static List *polls = NIL; /* of RcsPoll */

List *
rcs_polls(void)
{
	return polls;
}

RcsPoll *
rcs_poll_of(const char *server)
{
	ListCell *lc;

	foreach(lc, polls)
	{
		RcsPoll *p = lfirst(lc);

		if (strcmp(p->account->server, server) == 0)
			return p;
	}
	return NULL;
}

RcsPoll *
rcs_poll_add(const RcsPollRow *row)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	RcsPoll *p = palloc0(sizeof(RcsPoll));

	p->cxt = AllocSetContextCreate(TopMemoryContext, "rcs poll", ALLOCSET_SMALL_SIZES);
	/* the worker before this one may have asked this question */
	strlcpy(p->query_id, row->query_id != NULL ? row->query_id : "", sizeof(p->query_id));
	p->retry = row->query_id != NULL;
	strlcpy(p->problem, row->problem != NULL ? row->problem : "", sizeof(p->problem));
	MemoryContextSwitchTo(old);
	p->account = rcs_carrier_account(row->server);
	old = MemoryContextSwitchTo(TopMemoryContext);
	polls = lappend(polls, p);
	MemoryContextSwitchTo(old);
	return p;
}

/* The longest list of messages to be asked about, of the accounts that can be asked. */
int
rcs_poll_most_overdue(int64 now_us)
{
	int most = 0;
	bool probe;
	int64 wait_us;
	ListCell *lc;

	foreach(lc, polls)
	{
		RcsPoll *p = lfirst(lc);

		if (p->present && p->overdue_at_us <= now_us + SECOND &&
			rcs_account_usable(p->account, now_us, &probe, &wait_us))
			most = Max(most, list_length(p->overdue));
	}
	return most;
}

void
rcs_poll_problem(RcsPoll *p, const char *problem)
{
	if (strncmp(p->problem, problem, sizeof(p->problem) - 1) == 0)
		return;
	strlcpy(p->problem, problem, sizeof(p->problem));
	p->problem_changed = true;
}
