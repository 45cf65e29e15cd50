/*
 * statement.c
 *		Running static SQL through SPI: plans kept, arrays built, columns read.
 *
 * It knows no table of ours.  The caller has connected SPI and pinned the
 * search_path.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "base/statement.h"

static void
prepare(RcsStatement *s)
{
	SPIPlanPtr plan;

	if (s->plan != NULL)
		return;
	plan = SPI_prepare(s->sql, s->nargs, s->types);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not prepare a statement of rcs: %s",
														 SPI_result_code_string(SPI_result))));
	s->plan = plan;
}

static uint64
check_done(int rc)
{
	if (rc < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not execute a statement of rcs: %s", SPI_result_code_string(rc))));
	return SPI_processed;
}

/* Rows affected or returned; anything unexpected is an error. */
uint64
rcs_execute(RcsStatement *s, Datum *values, const char *nulls)
{
	prepare(s);
	return check_done(SPI_execute_plan(s->plan, values, nulls, false, 0));
}

/* In REPEATABLE READ the transaction's own snapshot would never show later commits of others. */
uint64
rcs_execute_latest(RcsStatement *s, Datum *values)
{
	prepare(s);
	return check_done(SPI_execute_snapshot(s->plan, values, NULL, GetLatestSnapshot(),
										   InvalidSnapshot, true, false, 0));
}

Datum
rcs_column(uint64 row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, isnull);
}

int64
rcs_column_int64(uint64 row, int column)
{
	bool isnull;
	Datum d = rcs_column(row, column, &isnull);

	if (isnull)
		return 0;
	switch (SPI_gettypeid(SPI_tuptable->tupdesc, column))
	{
		case INT2OID:
			return DatumGetInt16(d);
		case INT4OID:
			return DatumGetInt32(d);
		default:
			return DatumGetInt64(d);
	}
}

char *
rcs_column_text(uint64 row, int column, MemoryContext cxt)
{
	bool isnull;
	Datum d = rcs_column(row, column, &isnull);
	MemoryContext old;
	char *s;

	if (isnull)
		return NULL;
	old = MemoryContextSwitchTo(cxt);
	s = TextDatumGetCString(d);
	MemoryContextSwitchTo(old);
	return s;
}

Jsonb *
rcs_column_jsonb(uint64 row, int column, MemoryContext cxt)
{
	bool isnull;
	Datum d = rcs_column(row, column, &isnull);
	MemoryContext old;
	Jsonb *copy;

	if (isnull)
		return NULL;
	old = MemoryContextSwitchTo(cxt);
	copy = DatumGetJsonbPCopy(d);
	MemoryContextSwitchTo(old);
	return copy;
}

/* For text that goes to other programs. */
char *
rcs_column_utf8(uint64 row, int column)
{
	char *text = rcs_column_text(row, column, CurrentMemoryContext);

	return text == NULL ? pstrdup("") : pg_server_to_any(text, (int) strlen(text), PG_UTF8);
}

/* Nulls in the array are left out: an error would come back each time the row is read. */
int *
rcs_column_ints(uint64 row, int column, MemoryContext cxt, int *n)
{
	bool isnull;
	Datum d = rcs_column(row, column, &isnull);
	Datum *elems;
	bool *nulls;
	int nelems;
	int *ints;

	*n = 0;
	if (isnull)
		return NULL;
	deconstruct_array(DatumGetArrayTypeP(d), INT4OID, sizeof(int32), true, TYPALIGN_INT, &elems,
					  &nulls, &nelems);
	ints = MemoryContextAlloc(cxt, sizeof(int) * Max(nelems, 1));
	for (int i = 0; i < nelems; i++)
		if (!nulls[i])
			ints[(*n)++] = DatumGetInt32(elems[i]);
	pfree(elems);
	pfree(nulls);
	return ints;
}

ArrayType *
rcs_int64_array(const int64 *values, int n)
{
	Datum *d = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		d[i] = Int64GetDatum(values[i]);
	return construct_array(d, n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
}

ArrayType *
rcs_int32_array(const int *values, int n)
{
	Datum *d = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		d[i] = Int32GetDatum(values[i]);
	return construct_array(d, n, INT4OID, sizeof(int32), true, TYPALIGN_INT);
}

ArrayType *
rcs_text_array(const char *const *values, int n)
{
	Datum *d = palloc(sizeof(Datum) * Max(n, 1));
	bool *nulls = palloc(sizeof(bool) * Max(n, 1));
	int lower = 1;

	for (int i = 0; i < n; i++)
	{
		nulls[i] = values[i] == NULL;
		d[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(values[i]);
	}
	return construct_md_array(d, nulls, 1, &n, &lower, TEXTOID, -1, false, TYPALIGN_INT);
}

ArrayType *
rcs_text_list_array(List *values)
{
	int n = list_length(values);
	const char **texts = palloc(sizeof(char *) * Max(n, 1));

	for (int i = 0; i < n; i++)
		texts[i] = list_nth(values, i);
	return rcs_text_array(texts, n);
}
