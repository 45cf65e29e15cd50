/*
 * statement.h
 *		Static SQL statements, planned once a process.
 */
#ifndef RCS_STATEMENT_H
#define RCS_STATEMENT_H

#include "executor/spi.h"
#include "utils/array.h"
#include "utils/jsonb.h"

#define RCS_MAX_PARAMS 14

typedef struct RcsStatement
{
	const char *sql;
	int nargs;
	Oid types[RCS_MAX_PARAMS];
	SPIPlanPtr plan;
} RcsStatement;

extern uint64 rcs_execute(RcsStatement *s, Datum *values, const char *nulls);
extern uint64 rcs_execute_latest(RcsStatement *s, Datum *values); /* a query; no nulls */

/* Columns of SPI_tuptable, 1-based. */
extern Datum rcs_column(uint64 row, int column, bool *isnull);
extern int64 rcs_column_int64(uint64 row, int column);					   /* null is 0 */
extern char *rcs_column_text(uint64 row, int column, MemoryContext cxt);   /* null is NULL */
extern Jsonb *rcs_column_jsonb(uint64 row, int column, MemoryContext cxt); /* null is NULL */
extern char *rcs_column_utf8(uint64 row, int column);					   /* null is "" */
extern int *rcs_column_ints(uint64 row, int column, MemoryContext cxt, int *n);

extern ArrayType *rcs_int64_array(const int64 *values, int n);
extern ArrayType *rcs_int32_array(const int *values, int n);
extern ArrayType *rcs_text_array(const char *const *values, int n); /* NULL is null */
extern ArrayType *rcs_text_list_array(List *values);

#endif /* RCS_STATEMENT_H */
