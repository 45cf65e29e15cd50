/*
 * show.c
 *		rcs_message: a message as it was or will be sent.
 *
 * It must not know how messages are queued or leased.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "account/rights.h"
#include "base/arguments.h"
#include "base/statement.h"
#include "message/draft.h"
#include "process/owner.h"
#include "queue/outbox.h"
#include "queue/stored_message.h"

static RcsStatement offered_version =
	{"SELECT i.version FROM rcs.intent i WHERE i.campaign_no = $1 AND i.batch_id = $2"
	 " AND $3 = ANY (i.ords) ORDER BY i.attempt DESC LIMIT 1",
	 3,
	 {INT8OID, INT8OID, INT4OID},
	 NULL};

/* A message that was offered keeps the text under which it was. */
static Jsonb *
campaign_text(const RcsStoredMessage *m, MemoryContext cxt)
{
	Datum values[] = {Int64GetDatum(m->campaign_no), Int64GetDatum(m->batch_id),
					  Int32GetDatum(m->ord)};
	int version = m->version;
	Jsonb *text;

	if (rcs_execute(&offered_version, values, NULL) > 0)
		version = (int) rcs_column_int64(0, 1);
	text = rcs_outbox_text(m->campaign_no, version, cxt);
	if (text == NULL)
		ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
						errmsg("version %d of campaign \"%s\" does not exist", version,
							   rcs_uuid_text(&m->campaign))));
	return text;
}

PG_FUNCTION_INFO_V1(rcs_message);
Datum
rcs_message(PG_FUNCTION_ARGS)
{
	MemoryContext cxt = CurrentMemoryContext;
	Oid caller = GetUserId();
	RcsOwnerScope scope;
	RcsStoredMessage *m;
	Jsonb *result;
	MemoryContext old;

	rcs_require_argument(PG_ARGISNULL(0), "message");
	rcs_owner_begin(&scope);
	SPI_connect();
	m = rcs_stored_message_load(PG_GETARG_UUID_P(0), caller);
	result = m->erased ? NULL : m->campaign_no == 0 ? m->message : campaign_text(m, cxt);
	old = MemoryContextSwitchTo(cxt);
	if (result != NULL)
		result = m->campaign_no == 0 ? DatumGetJsonbPCopy(JsonbPGetDatum(result))
									 : rcs_message_fill_or_raise(result, m->params);
	MemoryContextSwitchTo(old);
	SPI_finish();
	rcs_owner_end(&scope);
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(result);
}
