/*
 * hold_store.c
 *		The table of holds: the ones in force, and the ones that workers make.
 *
 * A hold is a row of rcs.hold without released_at.  This file must not know how
 * it stops the workers, or why they make one.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/statement.h"
#include "hold/hold_store.h"
#include "process/hold_shared.h"

#define WORKER "rcs"

static RcsStatement list_holds = {"SELECT h.server, h.reason, h.who = '" WORKER "' FROM rcs.hold h"
								  " WHERE h.released_at IS NULL ORDER BY h.at",
								  0,
								  {0},
								  NULL};

List *
rcs_hold_list(MemoryContext cxt)
{
	uint64 n = rcs_execute(&list_holds, NULL, NULL);
	List *list = NIL;

	for (uint64 i = 0; i < n; i++)
	{
		MemoryContext old;
		RcsHold *h = MemoryContextAlloc(cxt, sizeof(RcsHold));
		bool isnull;

		h->server = rcs_column_text(i, 1, cxt);
		h->reason = rcs_column_text(i, 2, cxt);
		h->by_worker = DatumGetBool(rcs_column(i, 3, &isnull));
		old = MemoryContextSwitchTo(cxt);
		list = lappend(list, h);
		MemoryContextSwitchTo(old);
	}
	return list;
}

static RcsStatement insert_by_worker =
	{"INSERT INTO rcs.hold (who, reason) SELECT '" WORKER "', $1"
	 " WHERE NOT EXISTS (SELECT FROM rcs.hold h WHERE h.released_at IS NULL"
	 "  AND h.server IS NULL AND h.who = '" WORKER "')",
	 1,
	 {TEXTOID},
	 NULL};

/* The whole database.  Only the worker that makes the hold says so in the log. */
void
rcs_hold_by_worker(const char *reason)
{
	Datum values[] = {CStringGetTextDatum(reason)};

	if (rcs_execute(&insert_by_worker, values, NULL) == 0)
		return;
	rcs_hold_announce();
	ereport(WARNING,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("rcs sends nothing from database \"%s\": it is on hold",
					get_database_name(MyDatabaseId)),
			 errdetail("Reason: %s.", reason),
			 errhint("If this database is to send, run SELECT rcs_resume('why it may') in it.")));
}
