/*
 * watch.c
 *		rcs_campaign_watch: a progress bar in psql.
 *
 * The backend looks once a second with the latest snapshot, and prints a changed
 * line as a notice.  It ends when the campaign no longer moves by itself, and can
 * be canceled at any time.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/builtins.h"

#include "account/rights.h"
#include "base/arguments.h"
#include "base/statement.h"
#include "campaign/campaign.h"
#include "process/owner.h"
#include "process/wakeup.h"

#define NAP_MS 1000

PG_FUNCTION_INFO_V1(rcs_campaign_watch);

static RcsStatement progress = {
	"SELECT concat(p.bar, ' ', p.percent, ' %  ', p.state, coalesce(' (' || p.state_reason || ')', ''),"
	"  ': ', p.total - p.queued - p.sending, ' of ', p.total,"
	"  CASE WHEN p.sending > 0 THEN ', sending ' || p.sending END,"
	"  CASE WHEN p.failed > 0 THEN ', failed ' || p.failed END,"
	"  CASE WHEN p.uncertain > 0 THEN ', uncertain ' || p.uncertain END,"
	"  CASE WHEN p.canceled > 0 THEN ', canceled ' || p.canceled END,"
	"  CASE WHEN p.expired > 0 THEN ', expired ' || p.expired END,"
	"  CASE WHEN p.suppressed > 0 THEN ', suppressed ' || p.suppressed END,"
	"  ', ends ' || to_char(p.eta, 'HH24:MI:SS')),"
	" p.state IN ('running', 'scheduled') OR p.state = 'canceled' AND p.queued + p.sending > 0"
	" FROM rcs.campaign_progress p WHERE p.campaign = $1",
	1,
	{UUIDOID},
	NULL};

/* Returns the line to print; moves: another one may follow. */
static char *
look(const pg_uuid_t *id, bool *moves, MemoryContext cxt)
{
	Datum values[] = {UUIDPGetDatum(id)};
	char *line = NULL;
	bool isnull;

	*moves = false;
	SPI_connect();
	if (rcs_execute_latest(&progress, values) > 0)
	{
		line = rcs_column_text(0, 1, cxt);
		*moves = DatumGetBool(rcs_column(0, 2, &isnull));
	}
	SPI_finish();
	return line;
}

static void
nap(void)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, NAP_MS,
					 PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

static void
watch(const pg_uuid_t *id)
{
	MemoryContext cxt = CurrentMemoryContext;
	char *last = pstrdup("");
	bool moves = true;

	while (moves)
	{
		char *line = look(id, &moves, cxt);

		if (line == NULL)
			break; /* purged */
		if (strcmp(line, last) != 0)
			ereport(NOTICE, (errmsg_internal("%s", line)));
		pfree(last);
		last = line;
		if (moves)
			nap();
	}
}

Datum
rcs_campaign_watch(PG_FUNCTION_ARGS)
{
	Oid caller = GetUserId();
	RcsOwnerScope scope;
	RcsCampaign *c;

	rcs_require_argument(PG_ARGISNULL(0), "campaign");
	if (rcs_wakeup_enqueued())
		ereport(ERROR, (errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
						errmsg("cannot watch a campaign that this transaction has changed"),
						errhint("Commit first, then call rcs_campaign_watch.")));
	rcs_owner_begin(&scope);
	SPI_connect();
	c = rcs_campaign_load(PG_GETARG_UUID_P(0), false, CurrentMemoryContext);
	if (!rcs_may_see(caller, c->created_by, c->chatbot))
		rcs_campaign_check_steer(c, caller);
	SPI_finish();
	watch(PG_GETARG_UUID_P(0));
	rcs_owner_end(&scope);
	PG_RETURN_VOID();
}
