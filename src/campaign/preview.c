/*
 * preview.c
 *		rcs_campaign_preview: what some recipients of a campaign would be sent.
 *
 * It sends nothing, and must not know how messages are leased.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "account/rights.h"
#include "base/arguments.h"
#include "base/rows.h"
#include "base/statement.h"
#include "campaign/campaign.h"
#include "message/draft.h"
#include "message/message_id.h"
#include "message/phone.h"
#include "process/owner.h"
#include "queue/send.h"

#define MOST 100 /* a look, not a way to read a campaign's numbers */

static RcsStatement first_messages =
	{"SELECT m.phone, m.params FROM rcs.message m WHERE m.campaign_no = $1 AND m.phone IS NOT NULL"
	 " ORDER BY m.batch_id, m.ord LIMIT $2",
	 2,
	 {INT8OID, INT4OID},
	 NULL};
static RcsStatement one_message = {"SELECT m.phone, m.params FROM rcs.message m WHERE m.id = $1",
								   1,
								   {UUIDOID},
								   NULL};

static uint64
select_previews(const RcsCampaign *c, int n, const char *phone)
{
	Datum values[2] = {Int64GetDatum(c->campaign_no), Int32GetDatum(n)};
	pg_uuid_t id;

	if (phone == NULL)
		return rcs_execute(&first_messages, values, NULL);
	rcs_message_id(&c->id, rcs_phone_or_error(phone), 0, &id);
	values[0] = UUIDPGetDatum(&id);
	return rcs_execute(&one_message, values, NULL);
}

static Datum
masked(Datum phone)
{
	char mask[RCS_PHONE_MASK_SIZE];

	rcs_phone_mask(TextDatumGetCString(phone), mask);
	return CStringGetTextDatum(mask);
}

static void
put_previews(const RcsCampaign *c, uint64 n, bool numbers, Tuplestorestate *store, TupleDesc desc)
{
	MemoryContext cxt = CurrentMemoryContext;
	SPITupleTable *rows = SPI_tuptable;
	Jsonb *message = rcs_campaign_message(c, c->version, cxt);

	SPI_tuptable = rows;
	for (uint64 i = 0; i < n; i++)
	{
		Datum values[2];
		bool nulls[2] = {false};
		Jsonb *params = rcs_column_jsonb(i, 2, cxt);

		CHECK_FOR_INTERRUPTS();
		values[0] = rcs_column(i, 1, &nulls[0]);
		if (!numbers && !nulls[0])
			values[0] = masked(values[0]);
		values[1] = JsonbPGetDatum(rcs_message_fill_or_raise(message, params));
		tuplestore_putvalues(store, desc, values, nulls);
	}
}

/* A given number tells whether it is one of the recipients: for masked ones that would be a way to find the rest of it. */
static bool
check_rights(const RcsCampaign *c, Oid caller, bool by_phone)
{
	bool numbers = rcs_may_see_numbers(caller, c->created_by);

	if (!rcs_may_see(caller, c->created_by, c->chatbot))
		ereport(
			ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for campaign \"%s\"", rcs_uuid_text(&c->id)),
			 errhint(
				 "It is shown to its creator, members of its chatbot's owner and readers of rcs.message_status.")));
	if (by_phone && !numbers)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for the numbers of campaign \"%s\"",
						rcs_uuid_text(&c->id)),
				 errhint("Its creator and readers of rcs.message_status may look for a number.")));
	return numbers;
}

PG_FUNCTION_INFO_V1(rcs_campaign_preview);
Datum
rcs_campaign_preview(PG_FUNCTION_ARGS)
{
	Oid caller = GetUserId();
	RcsOwnerScope scope;
	TupleDesc desc;
	Tuplestorestate *store = rcs_open_rows(fcinfo, &desc);
	RcsCampaign *c;
	int n = PG_ARGISNULL(1) ? 5 : PG_GETARG_INT32(1);
	char *phone = PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2));
	bool numbers;

	rcs_require_argument(PG_ARGISNULL(0), "campaign");
	if (n < 0 || n > MOST)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("n is %d: a preview shows 0 to %d messages", n, MOST)));
	rcs_owner_begin(&scope);
	SPI_connect();
	c = rcs_campaign_load(PG_GETARG_UUID_P(0), false, CurrentMemoryContext);
	numbers = check_rights(c, caller, phone != NULL);
	put_previews(c, select_previews(c, n, phone), numbers, store, desc);
	SPI_finish();
	rcs_owner_end(&scope);
	return (Datum) 0;
}
