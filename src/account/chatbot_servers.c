/*
 * chatbot_servers.c
 *		Keeps the servers of a chatbot from being dropped or renamed while it is written.
 *
 * The lock is that of each server, which DROP and ALTER ... RENAME take too, until the end
 * of the transaction: so a server that somebody drops holds up nobody who writes a chatbot
 * of other servers.  It is taken by a trigger and not by a function that can be called,
 * because whoever could call it could keep any server from being dropped.  This file must
 * not know what else a chatbot needs.
 */
#include "postgres.h"

#include "catalog/pg_foreign_server.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "foreign/foreign.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/rel.h"

/* A name that no server has is the business of the trigger that follows. */
static void
hold_server(const char *name)
{
	Oid serverid = get_foreign_server_oid(name, true);

	if (!OidIsValid(serverid))
		return;
	LockDatabaseObject(ForeignServerRelationId, serverid, 0, AccessShareLock);
	/* an old snapshot would still show it */
	if (get_foreign_server_oid(name, true) != serverid)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("server \"%s\" has just been dropped or renamed", name),
						errhint("Name another one in the column servers of rcs.chatbot.")));
}

PG_FUNCTION_INFO_V1(rcs_chatbot_hold_servers);
Datum
rcs_chatbot_hold_servers(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	HeapTuple row;
	Datum servers;
	Datum *names;
	bool isnull;
	int n;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("function was not called by trigger manager")));
	row = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple;
	servers =
		SPI_getbinval(row, RelationGetDescr(trigger->tg_relation),
					  SPI_fnumber(RelationGetDescr(trigger->tg_relation), "servers"), &isnull);
	/* the trigger before this one has refused nulls */
	deconstruct_array(DatumGetArrayTypeP(servers), TEXTOID, -1, false, TYPALIGN_INT, &names, NULL,
					  &n);
	for (int i = 0; i < n; i++)
		hold_server(TextDatumGetCString(names[i]));
	return PointerGetDatum(row);
}
