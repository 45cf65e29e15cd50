/*
 * rights.c
 *		The rights to steer and to see messages and campaigns.
 *
 * The creator of a message is stored by name, so that it survives a dump.  When there is
 * no role of that name any more, no other role has its rights.  This file must not know
 * the queue.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "account/chatbot.h"
#include "account/rights.h"
#include "process/ext_state.h"

static bool
has_privs_of_name(Oid caller, const char *role)
{
	Oid roleid = role ? get_role_oid(role, true) : InvalidOid;

	return OidIsValid(roleid) && has_privs_of_role(caller, roleid);
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

	if (has_privs_of_name(caller, created_by) || has_privs_of_role(caller, rcs_ext_owner()))
		return true;
	bot = chatbot ? rcs_chatbot_load(chatbot) : NULL;
	return bot != NULL && has_privs_of_name(caller, bot->owner);
}

bool
rcs_may_see(Oid caller, const char *created_by, const char *chatbot)
{
	return rcs_may_steer(caller, created_by, chatbot) || may_read_status(caller);
}

bool
rcs_may_see_numbers(Oid caller, const char *created_by)
{
	return has_privs_of_name(caller, created_by) || has_privs_of_role(caller, rcs_ext_owner()) ||
		   may_read_status(caller);
}
