/*
 * rights.c
 *		The rights to steer and to see messages and campaigns, and to go before others.
 *
 * Creators and owners are kept so that a role which was dropped has no successor, and
 * a dump can still be loaded elsewhere (schema/021_roles.sql).  This file must not know
 * the queue.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "account/chatbot.h"
#include "account/rights.h"
#include "base/monotonic.h"
#include "base/statement.h"
#include "process/ext_state.h"

static RcsStatement follow_roles = {"SELECT rcs._follow_roles()", 0, {0}, NULL};
static RcsStatement find_creator = {"SELECT rcs._creator_role($1)", 1, {TEXTOID}, NULL};

/* Of a role that is gone nobody has the rights. */
static bool
has_privs(Oid caller, Oid role)
{
	return OidIsValid(role) && has_privs_of_role(caller, role);
}

static bool
is_creator(Oid caller, const char *created_by)
{
	Datum values[1];
	Oid role;
	bool isnull;

	if (created_by == NULL)
		return false;
	values[0] = CStringGetTextDatum(created_by);
	SPI_connect();
	/* the transaction may be older than the first message of its own role */
	rcs_execute_latest(&find_creator, values);
	role = DatumGetObjectId(rcs_column(0, 1, &isnull));
	SPI_finish();
	return has_privs(caller, role);
}

bool
rcs_may_read(Oid caller, const char *name)
{
	Oid view = get_relname_relid(name, get_namespace_oid("rcs", false));

	/* the SQL function is called because the C one was changed between major versions */
	return OidIsValid(view) &&
		   DatumGetBool(DirectFunctionCall3(has_table_privilege_id_id, ObjectIdGetDatum(caller),
											ObjectIdGetDatum(view), CStringGetTextDatum("SELECT")));
}

static bool
may_read_status(Oid caller)
{
	return rcs_may_read(caller, "message_status");
}

bool
rcs_may_steer(Oid caller, const char *created_by, const char *chatbot)
{
	RcsChatbot *bot;

	if (has_privs_of_role(caller, rcs_ext_owner()) || is_creator(caller, created_by))
		return true;
	bot = chatbot ? rcs_chatbot_load(chatbot) : NULL;
	return bot != NULL && has_privs(caller, bot->owner);
}

/* Once a minute: the names of roles that were renamed, and which roles are gone. */
void
rcs_roles_follow(void)
{
	rcs_execute(&follow_roles, NULL, NULL);
}

bool
rcs_may_see(Oid caller, const char *created_by, const char *chatbot)
{
	return rcs_may_steer(caller, created_by, chatbot) || may_read_status(caller);
}

bool
rcs_may_see_numbers(Oid caller, const char *created_by)
{
	return has_privs_of_role(caller, rcs_ext_owner()) || is_creator(caller, created_by) ||
		   may_read_status(caller);
}

/* Longer than any look-up; who asks at random gets 200 answers a second. */
#define TICK_US 5000

void
rcs_wait_to_refuse(void)
{
	pg_usleep(TICK_US - rcs_now_us() % TICK_US);
}

/* By the catalog, so that it is ours whatever the search_path, and no USAGE is needed to find it. */
static Oid
priority_function(void)
{
	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum("rcs_priority"),
						   PointerGetDatum(buildoidvector(NULL, 0)),
						   ObjectIdGetDatum(rcs_ext_schema()));
}

void
rcs_require_priority(Oid caller, const char *what, const char *hint)
{
	Oid function = priority_function();

	/* as above, the SQL function */
	if (!OidIsValid(function) ||
		!DatumGetBool(DirectFunctionCall3(has_function_privilege_id_id, ObjectIdGetDatum(caller),
										  ObjectIdGetDatum(function),
										  CStringGetTextDatum("EXECUTE"))))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("role \"%s\" may not %s", GetUserNameFromId(caller, false), what),
						errhint("%s: GRANT EXECUTE ON FUNCTION rcs_priority TO %s.", hint,
								quote_identifier(GetUserNameFromId(caller, false)))));
}
