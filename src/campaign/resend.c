/*
 * resend.c
 *		rcs_campaign_resend_failed: a campaign once more to those for whom it failed.
 *
 * Rights and the state are checked here; the messages are chosen and copied by
 * rcs._resend_failed (schema/081_campaign_life.sql).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"

#include "account/chatbot.h"
#include "base/arguments.h"
#include "base/statement.h"
#include "campaign/campaign.h"
#include "process/guc.h"
#include "process/owner.h"
#include "process/wakeup.h"

static RcsStatement resend = {"SELECT rcs._resend_failed($1, $2, $3)",
							  3,
							  {INT8OID, TEXTARRAYOID, INT4OID},
							  NULL};

PG_FUNCTION_INFO_V1(rcs_campaign_resend_failed);
Datum
rcs_campaign_resend_failed(PG_FUNCTION_ARGS)
{
	Oid caller = GetUserId();
	Datum values[3];
	RcsOwnerScope scope;
	RcsCampaign *c;
	int64 n;

	rcs_require_argument(PG_ARGISNULL(0), "campaign");
	rcs_owner_begin(&scope);
	SPI_connect();
	c = rcs_campaign_load(PG_GETARG_UUID_P(0), false, CurrentMemoryContext);
	rcs_campaign_check_steer(c, caller);
	rcs_usable_chatbot(c->chatbot, caller);
	rcs_campaign_lock_adding(c->campaign_no);
	c = rcs_campaign_load(PG_GETARG_UUID_P(0), true, CurrentMemoryContext);
	if (strcmp(c->state, "canceled") == 0 || c->expired)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("campaign \"%s\" is %s", rcs_uuid_text(&c->id),
						c->expired ? "expired" : c->state),
				 errhint("Create another campaign for those whom this one has not reached.")));
	values[0] = Int64GetDatum(c->campaign_no);
	values[1] = PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1);
	values[2] = Int32GetDatum(rcs_batch_size);
	rcs_execute(&resend, values, PG_ARGISNULL(1) ? " n " : NULL);
	n = rcs_column_int64(0, 1);
	if (n > 0)
	{
		rcs_campaign_event(c->campaign_no, "resent", caller,
						   psprintf("{\"n\": " INT64_FORMAT "}", n));
		rcs_wakeup_campaign();
	}
	SPI_finish();
	rcs_owner_end(&scope);
	PG_RETURN_INT64(n);
}
