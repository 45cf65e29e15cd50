/*
 * rows.h
 *		The rows that an SQL function gives, collected before it returns.
 */
#ifndef RCS_ROWS_H
#define RCS_ROWS_H

#include "fmgr.h"
#include "utils/tuplestore.h"

/* Where to put them, and of which type they are; both live as long as the query. */
extern Tuplestorestate *rcs_open_rows(FunctionCallInfo fcinfo, TupleDesc *desc);

#endif /* RCS_ROWS_H */
