/*
 * validate.c
 *		rcs_validate(): the faults of a message, as rows.
 *
 * The rules are those of check.c.  No sender is known here, so members that
 * a chatbot may supply are not missed.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "base/rows.h"
#include "message/check.h"

PG_FUNCTION_INFO_V1(rcs_validate);
Datum
rcs_validate(PG_FUNCTION_ARGS)
{
	RcsCheckOptions options = {.is_template = true};
	TupleDesc desc;
	Tuplestorestate *store = rcs_open_rows(fcinfo, &desc);
	ListCell *lc;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("message must not be null")));
	foreach(lc, rcs_message_faults(PG_GETARG_JSONB_P(0), &options, NULL))
	{
		RcsFault *f = lfirst(lc);
		Datum values[] = {CStringGetTextDatum(f->path), CStringGetTextDatum(f->code),
						  CStringGetTextDatum(f->problem)};
		bool nulls[lengthof(values)] = {false};

		tuplestore_putvalues(store, desc, values, nulls);
	}
	return (Datum) 0;
}
