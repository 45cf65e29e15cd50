/*
 * trace.c
 *		rcs_trace(): everything about one person, for roles that may see full numbers.
 *
 * A function in SQL that acts as its owner cannot see the role in effect, so the
 * right is checked here.  schema/111_history.sql collects the rows.
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
	for (uint64 i = 0; i < n; i++)
		tuplestore_puttuple(store, SPI_tuptable->vals[i]);
	SPI_finish();
	rcs_owner_end(&scope);
	return (Datum) 0;
}
