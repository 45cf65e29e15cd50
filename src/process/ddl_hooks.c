/*
 * ddl_hooks.c
 *		Statements that need a database without connections, and statements after
 *		which workers or the launcher must look again.
 *
 * DROP, RENAME, SET TABLESPACE and CREATE ... TEMPLATE fail while a process is
 * connected.  So the database's workers are sent away before, and kept away
 * until the end of the transaction, whether it commits, fails or dies: the
 * transaction callback of wakeup.c sees to that.  Only for the owner of the
 * database, since the statement of another role will fail.
 *
 * This file must not know the work of the workers.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_database.h"
#include "catalog/pg_extension.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"
#include "utils/acl.h"

#include "base/pg_compat.h"
#include "process/ddl_hooks.h"
#include "process/ext_state.h"
#include "process/hold_shared.h"
#include "process/slots.h"
#include "process/wakeup.h"

/* longer than a worker takes; the statement itself waits 5 s more, then complains */
#define GONE_WAIT_MS 3000

static ProcessUtility_hook_type prev_process_utility = NULL;
static object_access_hook_type prev_object_access = NULL;

static void
empty_database(const char *name)
{
	Oid dboid = get_database_oid(name, true);

	if (!OidIsValid(dboid) || dboid == MyDatabaseId || !RcsIsDatabaseOwner(dboid, GetUserId()))
		return;
	rcs_wakeup_block(dboid);
	if (!rcs_slots_wait_gone(dboid, GONE_WAIT_MS))
		ereport(DEBUG1, (errmsg("workers of database \"%s\" are still there", name)));
}

static char *
option(List *options, const char *name)
{
	ListCell *lc;

	foreach(lc, options)
	{
		DefElem *def = lfirst(lc);

		if (strcmp(def->defname, name) == 0 && def->arg != NULL)
			return defGetString(def);
	}
	return NULL;
}

/* The default source is a template, which has no workers. */
static void
before_create_database(CreatedbStmt *stmt)
{
	char *source = option(stmt->options, "template");

	if (source != NULL)
		empty_database(source);
	rcs_wakeup_launcher();
}

static void
before_alter_database(AlterDatabaseStmt *stmt)
{
	if (option(stmt->options, "tablespace") != NULL)
		empty_database(stmt->dbname);
	/* IS_TEMPLATE and ALLOW_CONNECTIONS decide whether it has workers */
	rcs_wakeup_launcher();
}

static void
before_rename(RenameStmt *stmt)
{
	if (stmt->renameType != OBJECT_DATABASE)
		return;
	empty_database(stmt->subname);
	rcs_wakeup_launcher();
}

static void
before(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_DropdbStmt:
			empty_database(((DropdbStmt *) stmt)->dbname);
			rcs_wakeup_launcher();
			break;
		case T_CreatedbStmt:
			before_create_database((CreatedbStmt *) stmt);
			break;
		case T_AlterDatabaseStmt:
			before_alter_database((AlterDatabaseStmt *) stmt);
			break;
		case T_RenameStmt:
			before_rename((RenameStmt *) stmt);
			break;
		default:
			break;
	}
}

static bool
is_commit_prepared(Node *stmt)
{
	return IsA(stmt, TransactionStmt) &&
		   ((TransactionStmt *) stmt)->kind == TRANS_STMT_COMMIT_PREPARED;
}

/* That transaction could hand nothing over when it was prepared. */
static void
after_commit_prepared(void)
{
	rcs_hold_announce();
	rcs_wakeup_everything();
	if (OidIsValid(rcs_ext_oid()))
		rcs_wakeup_probe();
}

static void
process_utility(PlannedStmt *pstmt, const char *query, bool read_only_tree,
				ProcessUtilityContext context, ParamListInfo params, QueryEnvironment *env,
				DestReceiver *dest, QueryCompletion *qc)
{
	/* the tree may be gone afterwards */
	bool commit_prepared = is_commit_prepared(pstmt->utilityStmt);

	before(pstmt->utilityStmt);
	if (prev_process_utility)
		prev_process_utility(pstmt, query, read_only_tree, context, params, env, dest, qc);
	else
		standard_ProcessUtility(pstmt, query, read_only_tree, context, params, env, dest, qc);
	if (commit_prepared)
		after_commit_prepared();
}

/*
 * Our extension is dropped, by whatever statement, or altered: if that commits,
 * the workers find out at once.
 */
static void
object_access(ObjectAccessType access, Oid class, Oid object, int subid, void *arg)
{
	if (prev_object_access)
		prev_object_access(access, class, object, subid, arg);
	if (class != ExtensionRelationId || (access != OAT_DROP && access != OAT_POST_ALTER))
		return;
	if (object != rcs_ext_oid())
		return;
	rcs_wakeup_everything();
	/* a version that did not fit may fit now */
	if (access == OAT_POST_ALTER)
		rcs_wakeup_probe();
}

void
rcs_ddl_hooks_init(void)
{
	prev_process_utility = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
	prev_object_access = object_access_hook;
	object_access_hook = object_access;
}
