/*
 * dry_run.c
 *		rcs_campaign_check: what sending the rest of a campaign would mean.
 *
 * Rights are checked here; the estimate is rcs._campaign_check
 * (schema/081_campaign_life.sql).
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"

#include "account/rights.h"
#include "base/arguments.h"
#include "base/statement.h"
#include "campaign/campaign.h"
#include "process/owner.h"

#define CHECK_COLUMNS 6

static RcsStatement check = {"SELECT * FROM rcs._campaign_check($1)", 1, {INT8OID}, NULL};

PG_FUNCTION_INFO_V1(rcs_campaign_check);
Datum
rcs_campaign_check(PG_FUNCTION_ARGS)
{
	Oid caller = GetUserId();
	Datum values[CHECK_COLUMNS];
	bool nulls[CHECK_COLUMNS];
	Datum campaign_no[1];
	RcsOwnerScope scope;
	RcsCampaign *c;
	TupleDesc desc;
	Datum row;

	rcs_require_argument(PG_ARGISNULL(0), "campaign");
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("rcs_campaign_check must return a row")));
	rcs_owner_begin(&scope);
	SPI_connect();
	c = rcs_campaign_load(PG_GETARG_UUID_P(0), false, CurrentMemoryContext);
	if (!rcs_may_see(caller, c->created_by, c->chatbot))
		rcs_campaign_check_steer(c, caller);
	campaign_no[0] = Int64GetDatum(c->campaign_no);
	rcs_execute(&check, campaign_no, NULL);
	for (int i = 0; i < CHECK_COLUMNS; i++)
		values[i] = rcs_column(0, i + 1, &nulls[i]);
	/* copied to the memory of the caller, before SPI_finish frees the values */
	row = SPI_datumTransfer(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)),
							false, -1);
	SPI_finish();
	rcs_owner_end(&scope);
	PG_RETURN_DATUM(row);
}
