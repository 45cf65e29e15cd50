/*
 * creator.c
 *		The value of created_by for a role that creates something.
 *
 * schema/021_roles.sql says which it is.  Every message asks for that of the role which sends
 * it, so the latest answer is kept until a row of rcs.creator changes: a trigger there
 * tells all sessions at COMMIT, as PostgreSQL does of a table that was altered.  This file
 * must not know what is created.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "utils/inval.h"
#include "utils/rel.h"

#include "account/creator.h"
#include "base/statement.h"

static RcsStatement find_creator = {"SELECT rcs._creator($1), 'rcs.creator'::regclass",
									1,
									{OIDOID},
									NULL};

/* Of the role that was asked for last; an invalid one: nothing is known. */
static struct
{
	Oid role;
	Oid table;
	char value[2 * NAMEDATALEN]; /* a role's name, and maybe a number */
} latest;

static void
forget(Datum arg, Oid table)
{
	if (table == latest.table || !OidIsValid(table))
		latest.role = InvalidOid;
}

static void
look_up(Oid role)
{
	static bool registered = false;
	Datum values[] = {ObjectIdGetDatum(role)};
	bool isnull;

	if (!registered)
		CacheRegisterRelcacheCallback(forget, (Datum) 0);
	registered = true;
	rcs_execute(&find_creator, values, NULL);
	strlcpy(latest.value, rcs_column_text(0, 1, CurrentMemoryContext), sizeof(latest.value));
	latest.table = DatumGetObjectId(rcs_column(0, 2, &isnull));
	latest.role = role;
}

const char *
rcs_creator(Oid role)
{
	if (latest.role != role)
		look_up(role);
	return latest.value;
}

/* Row trigger of rcs.creator.  A ROLLBACK tells this session, too. */
PG_FUNCTION_INFO_V1(rcs_creator_changed);
Datum
rcs_creator_changed(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("function was not called by trigger manager")));
	CacheInvalidateRelcache(((TriggerData *) fcinfo->context)->tg_relation);
	return PointerGetDatum(NULL);
}
