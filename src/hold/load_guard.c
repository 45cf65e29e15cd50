/*
 * load_guard.c
 *		A dump is loaded into empty tables only.
 *
 * A second load would double the counts, whose rows have no key of their own,
 * and put an old queue over a record that has gone on since.  A COPY of the
 * history is therefore refused where the table has rows, or where the database
 * has messages of its own.  The initial copy of a subscription is no statement
 * and does not pass here.  This file must not know why else rows are foreign.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"
#include "utils/builtins.h"

#include "base/statement.h"
#include "hold/load_guard.h"
#include "process/ext_state.h"
#include "process/owner.h"

#define SCHEMA "rcs"

/* What became of messages; settings and keys may be loaded at any time. */
static const char *const history[] =
	{"campaign",	  "campaign_version", "campaign_event", "batch",   "message",
	 "intent",		  "result",			  "event",			"tally",   "rejected",
	 "_result_count", "_change_feed",	  "erased",			"inbound", "_origin"};

static RcsStatement ask = {"SELECT rcs._load_problem($1)", 1, {TEXTOID}, NULL};

static ProcessUtility_hook_type prev_process_utility = NULL;

static bool
is_history(const char *table)
{
	for (int i = 0; i < lengthof(history); i++)
		if (strcmp(history[i], table) == 0)
			return true;
	return false;
}

/* An error if its rows would be added to others. */
static void
guard(const CopyStmt *stmt)
{
	const RangeVar *rel = stmt->relation;
	RcsOwnerScope scope;
	MemoryContext cxt = CurrentMemoryContext;
	char *why;
	Datum values[1];

	if (!stmt->is_from || rel == NULL || rel->schemaname == NULL ||
		strcmp(rel->schemaname, SCHEMA) != 0 || !is_history(rel->relname) ||
		!OidIsValid(rcs_ext_oid()))
		return;
	values[0] = CStringGetTextDatum(rel->relname);
	rcs_owner_begin(&scope);
	SPI_connect();
	rcs_execute(&ask, values, NULL);
	why = rcs_column_text(0, 1, cxt);
	SPI_finish();
	rcs_owner_end(&scope);
	if (why != NULL)
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cannot load rows into \"" SCHEMA ".%s\": %s", rel->relname, why),
			 errhint(
				 "A dump is loaded into a new database, or after DROP EXTENSION rcs CASCADE.")));
}

static void
process_utility(PlannedStmt *pstmt, const char *query, bool read_only_tree,
				ProcessUtilityContext context, ParamListInfo params, QueryEnvironment *env,
				DestReceiver *dest, QueryCompletion *qc)
{
	if (IsA(pstmt->utilityStmt, CopyStmt))
		guard((CopyStmt *) pstmt->utilityStmt);
	if (prev_process_utility)
		prev_process_utility(pstmt, query, read_only_tree, context, params, env, dest, qc);
	else
		standard_ProcessUtility(pstmt, query, read_only_tree, context, params, env, dest, qc);
}

void
rcs_load_guard_init(void)
{
	prev_process_utility = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
}
