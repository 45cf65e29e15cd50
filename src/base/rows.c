/*
 * rows.c
 *		The rows that an SQL function gives, collected before it returns.
 *
 * It knows no row type.
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"

#include "base/rows.h"

Tuplestorestate *
rcs_open_rows(FunctionCallInfo fcinfo, TupleDesc *desc)
{
	ReturnSetInfo *info = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext old;

	if (info == NULL || !IsA(info, ReturnSetInfo) || !(info->allowedModes & SFRM_Materialize))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("set-valued function called in context that cannot accept a set")));
	old = MemoryContextSwitchTo(info->econtext->ecxt_per_query_memory);
	if (get_call_result_type(fcinfo, NULL, desc) != TYPEFUNC_COMPOSITE)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("function returning rows called where rows are not accepted")));
	*desc = CreateTupleDescCopy(*desc);
	info->returnMode = SFRM_Materialize;
	info->setResult = tuplestore_begin_heap(true, false, work_mem);
	info->setDesc = *desc;
	MemoryContextSwitchTo(old);
	return info->setResult;
}
