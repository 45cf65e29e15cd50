/*
 * life.c
 *		The life of a campaign: start, pause, resume, cancel.
 *
 * Each step is a mark on the campaign's row, so it takes no time for any number of
 * recipients.  Workers look at the marks before their next offer and act on them:
 * this file must not know how messages are leased.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "account/chatbot.h"
#include "base/arguments.h"
#include "base/statement.h"
#include "campaign/campaign.h"
#include "process/owner.h"
#include "process/shmem.h"
#include "process/slots.h"
#include "process/wakeup.h"

PG_FUNCTION_INFO_V1(rcs_campaign_start);
PG_FUNCTION_INFO_V1(rcs_campaign_pause);
PG_FUNCTION_INFO_V1(rcs_campaign_resume);
PG_FUNCTION_INFO_V1(rcs_campaign_cancel);

/* ---------- for all steps ---------- */

static bool
in_state(const RcsCampaign *c, const char *state)
{
	return strcmp(c->state, state) == 0;
}

static void
refuse(const RcsCampaign *c)
{
	const char *state = c->expired ? "expired" : c->state;
	const char *hint = NULL;

	if (strcmp(state, "draft") == 0)
		hint = "Start it with rcs_campaign_start.";
	else if (strcmp(state, "paused") == 0)
		hint = "Resume it with rcs_campaign_resume.";
	else if (strcmp(state, "finished") == 0)
		hint = "Nothing of it is unsent.";
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("campaign \"%s\" is %s%s", rcs_uuid_text(&c->id),
						   strcmp(state, "draft") == 0 ? "a " : "", state),
					hint ? errhint("%s", hint) : 0));
}

static RcsStatement mark_started =
	{"UPDATE rcs.campaign SET started_at = now() WHERE campaign_no = $1", 1, {INT8OID}, NULL};
static RcsStatement mark_paused = {
	"UPDATE rcs.campaign SET paused_at = now(), pause_reason = NULL, retry_at = NULL, probation = 0"
	" WHERE campaign_no = $1",
	1,
	{INT8OID},
	NULL};
static RcsStatement mark_resumed = {
	"UPDATE rcs.campaign SET paused_at = NULL, pause_reason = NULL, retry_at = NULL, probation = 0,"
	"  resumed_at = clock_timestamp()"
	" WHERE campaign_no = $1",
	1,
	{INT8OID},
	NULL};
static RcsStatement mark_canceled =
	{"UPDATE rcs.campaign SET canceled_at = now() WHERE campaign_no = $1", 1, {INT8OID}, NULL};

static void
mark(const RcsCampaign *c, RcsStatement *statement, const char *what, Oid caller)
{
	Datum values[] = {Int64GetDatum(c->campaign_no)};

	rcs_execute(statement, values, NULL);
	rcs_campaign_event(c->campaign_no, what, caller, NULL);
	rcs_wakeup_steered();
}

/* ---------- the steps; a step that is impossible raises an error ---------- */

static void
start(const RcsCampaign *c, Oid caller)
{
	rcs_usable_chatbot(c->chatbot, caller);
	if (in_state(c, "paused") || in_state(c, "canceled") || c->expired)
		refuse(c);
	if (in_state(c, "draft") || in_state(c, "scheduled"))
		mark(c, &mark_started, "started", caller);
}

static void
pause_step(const RcsCampaign *c, Oid caller)
{
	/* one that would go on by itself stays paused from now on */
	if (in_state(c, "paused") && !c->goes_on)
		return;
	if (!in_state(c, "paused") &&
		(c->expired || !(in_state(c, "running") || in_state(c, "scheduled"))))
		refuse(c);
	mark(c, &mark_paused, "paused", caller);
}

static void
resume(const RcsCampaign *c, Oid caller)
{
	rcs_usable_chatbot(c->chatbot, caller);
	if (in_state(c, "canceled") || in_state(c, "draft") || c->expired)
		refuse(c);
	if (in_state(c, "paused"))
		mark(c, &mark_resumed, "resumed", caller);
}

static RcsStatement held =
	{"SELECT FROM rcs.hold h WHERE h.released_at IS NULL AND h.server IS NULL LIMIT 1",
	 0,
	 {0},
	 NULL};

/* True when a running worker will end the unsent messages. */
static bool
worker_ends_them(void)
{
	RcsSlot *slots;
	bool found = false;

	if (!rcs_preloaded() || rcs_execute(&held, NULL, NULL) > 0)
		return false;
	slots = palloc(sizeof(RcsSlot) * RCS_MAX_SLOTS);
	rcs_slots_copy(slots);
	for (int i = 0; i < RCS_MAX_SLOTS && !found; i++)
		found = slots[i].phase == RCS_SLOT_RUNNING && slots[i].dboid == MyDatabaseId &&
				slots[i].kind == RCS_WORKER_CAMPAIGN;
	pfree(slots);
	return found;
}

static RcsStatement end_unsent = {"SELECT rcs._end_unsent($1, 'campaign was canceled')",
								  1,
								  {INT8OID},
								  NULL};

/* A second call ends messages that a worker has left unsent. */
static void
cancel(const RcsCampaign *c, Oid caller)
{
	Datum values[] = {Int64GetDatum(c->campaign_no)};

	if (!in_state(c, "canceled"))
	{
		if (in_state(c, "finished") || c->expired)
			refuse(c);
		mark(c, &mark_canceled, "canceled", caller);
	}
	if (!worker_ends_them())
		rcs_execute(&end_unsent, values, NULL);
}

/* ---------- SQL ---------- */

/* The state after a step. */
static Datum
take_step(FunctionCallInfo fcinfo, void (*step)(const RcsCampaign *c, Oid caller))
{
	MemoryContext cxt = CurrentMemoryContext;
	Oid caller = GetUserId();
	RcsOwnerScope scope;
	RcsCampaign *c;

	rcs_require_argument(PG_ARGISNULL(0), "campaign");
	rcs_owner_begin(&scope);
	SPI_connect();
	c = rcs_campaign_load(PG_GETARG_UUID_P(0), true, cxt);
	rcs_campaign_check_steer(c, caller);
	step(c, caller);
	c = rcs_campaign_load(PG_GETARG_UUID_P(0), false, cxt);
	SPI_finish();
	rcs_owner_end(&scope);
	PG_RETURN_TEXT_P(cstring_to_text(c->state));
}

Datum
rcs_campaign_start(PG_FUNCTION_ARGS)
{
	return take_step(fcinfo, start);
}

Datum
rcs_campaign_pause(PG_FUNCTION_ARGS)
{
	return take_step(fcinfo, pause_step);
}

Datum
rcs_campaign_resume(PG_FUNCTION_ARGS)
{
	return take_step(fcinfo, resume);
}

Datum
rcs_campaign_cancel(PG_FUNCTION_ARGS)
{
	return take_step(fcinfo, cancel);
}
