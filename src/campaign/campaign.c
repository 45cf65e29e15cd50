/*
 * campaign.c
 *		Campaigns: finding one, reading it, and noting what was done to it.
 *
 * create.c makes one, life.c and change.c steer it, add.c and chunk.c add recipients.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "account/rights.h"
#include "base/arguments.h"
#include "base/statement.h"
#include "campaign/campaign.h"
#include "process/own_lock.h"
#include "process/owner.h"
#include "queue/outbox.h"

/* ---------- for all functions about campaigns ---------- */

/* Transactions that add recipients, or judge the present ones, stand in line. */
void
rcs_campaign_lock_adding(int64 campaign_no)
{
	(void) rcs_own_lock(RCS_OWN_ADDING, campaign_no, ExclusiveLock, true);
}

/* rcs._lock_adding(campaign_no): a purge does not wait in line, it tries again later. */
PG_FUNCTION_INFO_V1(rcs_campaign_try_lock_adding);
Datum
rcs_campaign_try_lock_adding(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(rcs_own_lock(RCS_OWN_ADDING, PG_GETARG_INT64(0), ExclusiveLock, false));
}

#define CAMPAIGN_COLUMNS                                                                             \
	"SELECT c.campaign_no, c.chatbot, c.version, c.created_by,"                                      \
	" rcs._campaign_state(c, EXISTS (SELECT FROM rcs.batch b WHERE b.campaign_no = c.campaign_no))," \
	" coalesce(c.expires_at <= clock_timestamp(), false), c.retry_at IS NOT NULL"                    \
	" FROM rcs.campaign c WHERE c.id = $1"

static RcsStatement load_campaign = {CAMPAIGN_COLUMNS, 1, {UUIDOID}, NULL};
static RcsStatement lock_campaign = {CAMPAIGN_COLUMNS " FOR UPDATE OF c", 1, {UUIDOID}, NULL};

/* Reads the row that was found; none is an error. */
static RcsCampaign *
read_campaign(uint64 found, const pg_uuid_t *id, MemoryContext cxt)
{
	RcsCampaign *c = MemoryContextAllocZero(cxt, sizeof(RcsCampaign));
	bool isnull;

	if (found == 0)
		ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
						errmsg("campaign \"%s\" does not exist", rcs_uuid_text(id))));
	c->campaign_no = rcs_column_int64(0, 1);
	c->id = *id;
	c->chatbot = rcs_column_text(0, 2, cxt);
	c->version = (int) rcs_column_int64(0, 3);
	c->created_by = rcs_column_text(0, 4, cxt);
	c->state = rcs_column_text(0, 5, cxt);
	c->expired = DatumGetBool(rcs_column(0, 6, &isnull));
	c->goes_on = DatumGetBool(rcs_column(0, 7, &isnull));
	return c;
}

RcsCampaign *
rcs_campaign_load(const pg_uuid_t *id, bool for_update, MemoryContext cxt)
{
	Datum values[] = {UUIDPGetDatum(id)};

	return read_campaign(rcs_execute(for_update ? &lock_campaign : &load_campaign, values, NULL),
						 id, cxt);
}

/* With the latest snapshot: the transaction may have an older one. */
RcsCampaign *
rcs_campaign_load_latest(const pg_uuid_t *id, MemoryContext cxt)
{
	Datum values[] = {UUIDPGetDatum(id)};

	return read_campaign(rcs_execute_latest(&load_campaign, values), id, cxt);
}

void
rcs_campaign_check_steer(const RcsCampaign *c, Oid caller)
{
	if (!rcs_may_steer(caller, c->created_by, c->chatbot))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for campaign \"%s\"", rcs_uuid_text(&c->id)),
				 errhint("Only its creator and members of its chatbot's owner may do this.")));
}

Jsonb *
rcs_campaign_message(const RcsCampaign *c, int version, MemoryContext cxt)
{
	Jsonb *message = rcs_outbox_text(c->campaign_no, version, cxt);

	if (message == NULL)
		ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
						errmsg("version %d of campaign \"%s\" does not exist", version,
							   rcs_uuid_text(&c->id))));
	return message;
}

static RcsStatement insert_event = {
	"INSERT INTO rcs.campaign_event (campaign_no, what, who, detail) VALUES ($1, $2, $3, $4::jsonb)",
	4,
	{INT8OID, TEXTOID, TEXTOID, TEXTOID},
	NULL};

void
rcs_campaign_event(int64 campaign_no, const char *what, Oid who, const char *detail)
{
	Datum values[] = {Int64GetDatum(campaign_no), CStringGetTextDatum(what),
					  CStringGetTextDatum(GetUserNameFromId(who, false)),
					  detail == NULL ? (Datum) 0 : CStringGetTextDatum(detail)};

	rcs_execute(&insert_event, values, detail == NULL ? "   n" : NULL);
}

/* ---------- find ---------- */

static RcsStatement find_by_name =
	{"SELECT c.id, c.created_by, c.chatbot FROM rcs.campaign c WHERE c.name = $1"
	 " ORDER BY c.created_at DESC, c.campaign_no DESC",
	 1,
	 {TEXTOID},
	 NULL};

/* The newest one that the caller may see; false: there is none. */
static bool
find_visible(text *name, Oid caller, pg_uuid_t *id)
{
	Datum values[] = {PointerGetDatum(name)};
	uint64 n = rcs_execute(&find_by_name, values, NULL);
	SPITupleTable *rows = SPI_tuptable;

	for (uint64 i = 0; i < n; i++)
	{
		bool isnull;
		/* the check of the rights runs statements of its own */
		char *created_by = SPI_getvalue(rows->vals[i], rows->tupdesc, 2);
		char *chatbot = SPI_getvalue(rows->vals[i], rows->tupdesc, 3);

		if (rcs_may_see(caller, created_by, chatbot))
		{
			*id = *DatumGetUUIDP(SPI_getbinval(rows->vals[i], rows->tupdesc, 1, &isnull));
			return true;
		}
	}
	return false;
}

PG_FUNCTION_INFO_V1(rcs_campaign_id);
Datum
rcs_campaign_id(PG_FUNCTION_ARGS)
{
	pg_uuid_t *id = palloc(sizeof(pg_uuid_t));
	Oid caller = GetUserId();
	RcsOwnerScope scope;

	rcs_require_argument(PG_ARGISNULL(0), "name");
	rcs_owner_begin(&scope);
	SPI_connect();
	if (!find_visible(PG_GETARG_TEXT_PP(0), caller, id))
	{
		rcs_wait_to_refuse();
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("there is no campaign named \"%s\" that you may see",
						text_to_cstring(PG_GETARG_TEXT_PP(0))),
				 errhint("A campaign is shown to its creator, members of its chatbot's owner and "
						 "readers of rcs.message_status.")));
	}
	SPI_finish();
	rcs_owner_end(&scope);
	PG_RETURN_UUID_P(id);
}
