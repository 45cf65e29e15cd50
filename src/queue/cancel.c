/*
 * cancel.c
 *		rcs_cancel: takes back a message that was not offered yet.
 *
 * Rights are checked here; rcs._cancel_message (schema/052_send.sql) decides
 * between the caller and a worker.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"

#include "account/rights.h"
#include "base/arguments.h"
#include "base/statement.h"
#include "process/owner.h"
#include "queue/stored_message.h"

#define MAX_MOVES 100 /* of a message from batch to batch while we look */

static RcsStatement cancel_message =
	{"SELECT rcs._cancel_message(m, true, NULL, 'canceled by rcs_cancel') FROM rcs.message m"
	 " WHERE m.campaign_no = $1 AND m.batch_id = $2 AND m.ord = $3",
	 3,
	 {INT8OID, INT8OID, INT4OID},
	 NULL};

static bool
cancel(const RcsStoredMessage *m)
{
	Datum values[] = {Int64GetDatum(m->campaign_no), Int64GetDatum(m->batch_id),
					  Int32GetDatum(m->ord)};

	for (int i = 0; i < MAX_MOVES; i++)
	{
		bool isnull = true;
		Datum canceled = (Datum) 0;

		if (rcs_execute(&cancel_message, values, NULL) > 0)
			canceled = rcs_column(0, 1, &isnull);
		if (!isnull)
			return DatumGetBool(canceled);
		CHECK_FOR_INTERRUPTS();
	}
	ereport(ERROR,
			(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
			 errmsg("message \"%s\" is just being handled by a worker", rcs_uuid_text(&m->id)),
			 errhint("Try again.")));
}

PG_FUNCTION_INFO_V1(rcs_cancel);
Datum
rcs_cancel(PG_FUNCTION_ARGS)
{
	Oid caller = GetUserId();
	RcsOwnerScope scope;
	RcsStoredMessage *m;
	bool canceled;

	rcs_require_argument(PG_ARGISNULL(0), "message");
	rcs_owner_begin(&scope);
	SPI_connect();
	m = rcs_stored_message_load(PG_GETARG_UUID_P(0), caller);
	if (!rcs_may_steer(caller, m->created_by, m->chatbot))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for message \"%s\"", rcs_uuid_text(&m->id)),
				 errhint("Only its creator and members of its chatbot's owner may cancel it.")));
	canceled = cancel(m);
	SPI_finish();
	rcs_owner_end(&scope);
	PG_RETURN_BOOL(canceled);
}
