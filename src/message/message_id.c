/*
 * message_id.c
 *		Ids of messages, derived from the campaign and the number, or from a key.
 *
 * Ids are version-5 (name-based) UUIDs: the same message has the same id on
 * every machine and after every crash, and a unique index is all it takes to
 * refuse a second one.  Names are made here only: a change of how they are made would send
 * messages twice.  This file must not know tables.
 */
#include "postgres.h"

#include <uuid/uuid.h>

#include "fmgr.h"
#include "utils/builtins.h"

#include "message/message_id.h"
#include "message/phone.h"

PG_FUNCTION_INFO_V1(rcs_message_id_sql);

static void
name_based_uuid(const pg_uuid_t *ns, const char *name, pg_uuid_t *out)
{
	StaticAssertStmt(sizeof(uuid_t) == UUID_LEN, "libuuid and PostgreSQL differ on uuid");
	uuid_generate_sha1(out->data, ns->data, name, strlen(name));
}

void
rcs_message_id(const pg_uuid_t *ns, const char *name, int epoch, pg_uuid_t *out)
{
	char *with_epoch;

	Assert(epoch >= 0);
	if (epoch == 0)
	{
		name_based_uuid(ns, name, out);
		return;
	}
	with_epoch = psprintf("%s:%d", name, epoch);
	name_based_uuid(ns, with_epoch, out);
	pfree(with_epoch);
}

/* With the lengths in front no two pairs have the same name: both texts are free. */
void
rcs_keyed_id(const pg_uuid_t *ns, const char *chatbot, const char *key, pg_uuid_t *out)
{
	char *name = psprintf("%zu:%s,%zu:%s", strlen(chatbot), chatbot, strlen(key), key);

	name_based_uuid(ns, name, out);
	pfree(name);
}

Datum
rcs_message_id_sql(PG_FUNCTION_ARGS)
{
	pg_uuid_t *campaign = PG_GETARG_UUID_P(0);
	text *phone = PG_GETARG_TEXT_PP(1);
	int epoch = PG_GETARG_INT32(2);
	char canonical[RCS_PHONE_MAX + 1];
	pg_uuid_t *id = palloc(sizeof(pg_uuid_t));

	if (epoch < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("epoch must not be negative"), errdetail("The epoch is %d.", epoch),
						errhint("The first send has epoch 0, each deliberate re-send one more.")));

	rcs_phone_parse(phone, canonical);
	rcs_message_id(campaign, canonical, epoch, id);
	PG_RETURN_UUID_P(id);
}
