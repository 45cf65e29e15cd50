/*
 * trace.c
 *		rcs_trace(): everything about one person, for roles that may see full numbers.
 *		rcs_trace_handle(): everything about one message, for readers of masked ones.
 *
 * A function in SQL that acts as its owner cannot see the role in effect, so the
 * rights are checked here.  schema/111_history.sql collects the rows.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"

#include "account/rights.h"
#include "base/arguments.h"
#include "base/rows.h"
#include "base/statement.h"
#include "process/owner.h"

static RcsStatement trace = {"SELECT t.* FROM rcs._trace($1, $2) t",
							 2,
							 {TEXTOID, TIMESTAMPTZOID},
							 NULL};
static RcsStatement trace_handle = {"SELECT t.* FROM rcs._trace_handle($1, $2) t",
									2,
									{TEXTOID, BOOLOID},
									NULL};
static RcsStatement chatbot_of = {"SELECT coalesce(c.chatbot, m.chatbot) FROM rcs._message_of($1) m"
								  " LEFT JOIN rcs.campaign c ON c.campaign_no = m.campaign_no",
								  1,
								  {TEXTOID},
								  NULL};

static void
put_rows(Tuplestorestate *store, uint64 n)
{
	for (uint64 i = 0; i < n; i++)
		tuplestore_puttuple(store, SPI_tuptable->vals[i]);
}

PG_FUNCTION_INFO_V1(rcs_trace);
Datum
rcs_trace(PG_FUNCTION_ARGS)
{
	Oid caller = GetUserId();
	Datum values[2] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	RcsOwnerScope scope;
	TupleDesc desc;
	Tuplestorestate *store = rcs_open_rows(fcinfo, &desc);
	uint64 n;

	rcs_require_argument(PG_ARGISNULL(0), "phone");
	rcs_owner_begin(&scope);
	if (!rcs_may_see(caller, NULL, NULL))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied to trace a person"),
						errhint("It is for those who may SELECT from rcs.message_status.")));
	SPI_connect();
	n = rcs_execute(&trace, values, PG_ARGISNULL(1) ? " n" : NULL);
	put_rows(store, n);
	SPI_finish();
	rcs_owner_end(&scope);
	return (Datum) 0;
}

/* ---------- by handle ---------- */

typedef struct Sight
{
	bool ids;  /* may see full numbers */
	bool all;  /* may see the messages of all chatbots */
	bool team; /* may see those of its chatbots */
} Sight;

static Sight
sight_of(Oid caller)
{
	Sight s = {.ids = rcs_may_see(caller, NULL, NULL)};

	s.all = s.ids || rcs_may_read(caller, "message_status_masked");
	s.team = rcs_may_read(caller, "team_message_status_masked");
	return s;
}

/* One answer for what is not there and for what another team has. */
static void
check_there(Oid caller, const Sight *sight, Datum handle)
{
	bool found = rcs_execute(&chatbot_of, &handle, NULL) > 0;

	if (found && !sight->all)
		found = rcs_may_steer(caller, NULL, rcs_column_text(0, 1, CurrentMemoryContext));
	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("there is no message of this handle, or it is not yours to see"),
				 errhint(
					 "rcs.message_status_masked and the web console show handles; a message may "
					 "have been purged.")));
}

PG_FUNCTION_INFO_V1(rcs_trace_handle);
Datum
rcs_trace_handle(PG_FUNCTION_ARGS)
{
	Oid caller = GetUserId();
	Datum values[2] = {PG_GETARG_DATUM(0)};
	RcsOwnerScope scope;
	TupleDesc desc;
	Tuplestorestate *store = rcs_open_rows(fcinfo, &desc);
	Sight sight;

	rcs_require_argument(PG_ARGISNULL(0), "handle");
	rcs_owner_begin(&scope);
	sight = sight_of(caller);
	if (!sight.all && !sight.team)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied to trace a message"),
						errhint("It is for those who may SELECT from rcs.message_status_masked or "
								"rcs.team_message_status_masked.")));
	SPI_connect();
	check_there(caller, &sight, values[0]);
	values[1] = BoolGetDatum(sight.ids);
	put_rows(store, rcs_execute(&trace_handle, values, NULL));
	SPI_finish();
	rcs_owner_end(&scope);
	return (Datum) 0;
}
