/*
 * owner.c
 *		The scope in which a function called by a user acts as the extension's owner.
 *
 * SECURITY_LOCAL_USERID_CHANGE, as for every SECURITY DEFINER function, forbids
 * SET ROLE in it.  SECURITY_RESTRICTED_OPERATION besides, because the statements in it
 * are ours and need nothing that it forbids (temporary objects, deferred
 * triggers, prepared statements and held cursors that would outlive the scope),
 * so that even a trigger that the owner was talked into has no hold here.
 *
 * search_path is pinned, since operators and casts of our statements are looked up.
 * This file must not know the statements that run.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/guc.h"

#include "process/ext_state.h"
#include "process/owner.h"

void
rcs_owner_begin(RcsOwnerScope *s)
{
	Oid owner = rcs_ext_owner();

	GetUserIdAndSecContext(&s->userid, &s->sec);
	s->nestlevel = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	SetUserIdAndSecContext(owner,
						   s->sec | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
}

void
rcs_owner_end(RcsOwnerScope *s)
{
	AtEOXact_GUC(true, s->nestlevel);
	SetUserIdAndSecContext(s->userid, s->sec);
}
