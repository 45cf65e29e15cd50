/*
 * stored_message.c
 *		Looks a message up by its id, for the functions that show or cancel it.
 *
 * It must not know how messages are queued or leased.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "account/rights.h"
#include "base/arguments.h"
#include "base/statement.h"
#include "queue/stored_message.h"

static RcsStatement find_message = {
	"SELECT m.campaign_no, m.batch_id, m.ord, coalesce(c.created_by, m.created_by),"
	" coalesce(c.chatbot, m.chatbot), c.id, c.version, m.message, m.params, (m.phone IS NULL)::int::int8"
	" FROM rcs.message m LEFT JOIN rcs.campaign c ON c.campaign_no = m.campaign_no"
	" WHERE m.id = $1 ORDER BY m.campaign_no LIMIT 1",
	1,
	{UUIDOID},
	NULL};

void
rcs_no_such_message(const pg_uuid_t *id)
{
	rcs_wait_to_refuse();
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("message \"%s\" does not exist, or is not yours to see", rcs_uuid_text(id)),
			 errhint(
				 "A message is shown to its creator, members of its chatbot's owner and readers of "
				 "rcs.message_status.")));
}

RcsStoredMessage *
rcs_stored_message_load(const pg_uuid_t *id, Oid caller)
{
	Datum values[] = {UUIDPGetDatum(id)};
	MemoryContext cxt = CurrentMemoryContext;
	RcsStoredMessage *m = palloc0(sizeof(RcsStoredMessage));
	Datum campaign;
	bool isnull;

	if (rcs_execute(&find_message, values, NULL) == 0)
		rcs_no_such_message(id);
	m->id = *id;
	m->campaign_no = rcs_column_int64(0, 1);
	m->batch_id = rcs_column_int64(0, 2);
	m->ord = (int) rcs_column_int64(0, 3);
	m->created_by = rcs_column_text(0, 4, cxt);
	m->chatbot = rcs_column_text(0, 5, cxt);
	campaign = rcs_column(0, 6, &isnull);
	if (!isnull)
		m->campaign = *DatumGetUUIDP(campaign);
	m->version = (int) rcs_column_int64(0, 7);
	m->message = rcs_column_jsonb(0, 8, cxt);
	m->params = rcs_column_jsonb(0, 9, cxt);
	m->erased = rcs_column_int64(0, 10) != 0;
	if (!rcs_may_see(caller, m->created_by, m->chatbot))
		rcs_no_such_message(id);
	return m;
}
