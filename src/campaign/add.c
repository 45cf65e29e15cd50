/*
 * add.c
 *		rcs_campaign_add: reads the recipients of a campaign from a query or arrays.
 *
 * The caller's query runs in a cursor with the caller's rights and search_path,
 * so nothing in this file runs as the owner; chunk.c does between two fetches.
 * row_reader.c reads the columns.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/plancache.h"
#include "utils/portal.h"

#include "base/arguments.h"
#include "campaign/campaign.h"
#include "campaign/chunk.h"
#include "campaign/row_reader.h"

/* ---------- the query ---------- */

static void
refuse_array_literal(const char *query)
{
	if (query[strspn(query, " \t\r\n")] == '{')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("query is an array literal"),
				 errhint("Cast a list of phone numbers to text[].")));
}

static void
refuse_non_select(SPIPlanPtr plan)
{
	List *sources = SPI_plan_get_plan_sources(plan);
	CachedPlanSource *source;

	if (list_length(sources) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg(sources == NIL ? "query is empty" : "query has more than one statement"),
				 errhint("Give one SELECT that returns a column \"phone\".")));
	source = linitial(sources);
	if (list_length(source->query_list) != 1 ||
		linitial_node(Query, source->query_list)->commandType != CMD_SELECT)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("query is not a SELECT"),
						errhint("Give one SELECT that returns a column \"phone\".")));
}

static Portal
open_query(const char *query)
{
	SPIPlanPtr plan;

	refuse_array_literal(query);
	plan = SPI_prepare(query, 0, NULL);
	if (plan == NULL)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("query cannot be run: %s", SPI_result_code_string(SPI_result)),
						errhint("Give one SELECT that returns a column \"phone\".")));
	refuse_non_select(plan);
	return SPI_cursor_open(NULL, plan, NULL, NULL, false);
}

/* ---------- its rows ---------- */

static void
add_rows(RcsAdd *add, RcsRowReader *reader, SPITupleTable *rows, uint64 n)
{
	for (uint64 i = 0; i < n; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(rcs_add_row_context(add));
		RcsRecipient r;

		rcs_read_row(reader, rows->vals[i], &r);
		MemoryContextSwitchTo(old);
		rcs_add_recipient(add, &r);
	}
	rcs_add_flush(add);
}

static void
add_query(RcsAdd *add, const char *query)
{
	Portal portal;
	RcsRowReader *reader;

	SPI_connect();
	portal = open_query(query);
	reader = rcs_row_reader(portal->tupDesc);
	for (;;)
	{
		SPITupleTable *rows;

		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(portal, true, RCS_CHUNK_ROWS);
		rows = SPI_tuptable;
		if (SPI_processed == 0)
			break;
		add_rows(add, reader, rows, SPI_processed);
		SPI_freetuptable(rows);
	}
	SPI_cursor_close(portal);
	SPI_finish();
}

/* ---------- arrays ---------- */

static void
check_arrays(ArrayType *phones, ArrayType *params)
{
	if (ARR_NDIM(phones) > 1 || (params != NULL && ARR_NDIM(params) > 1))
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("phones and params must be arrays of one dimension")));
	if (params != NULL && ArrayGetNItems(ARR_NDIM(phones), ARR_DIMS(phones)) !=
							  ArrayGetNItems(ARR_NDIM(params), ARR_DIMS(params)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("phones and params are not of the same length"),
				 errhint(
					 "Give one element of params for each phone number; null stands for none.")));
}

static void
add_arrays(RcsAdd *add, ArrayType *phones, ArrayType *params)
{
	ArrayIterator phone = array_create_iterator(phones, 0, NULL);
	ArrayIterator param = params ? array_create_iterator(params, 0, NULL) : NULL;
	Datum value;
	bool isnull;
	int n = 0;

	while (array_iterate(phone, &value, &isnull))
	{
		RcsRecipient r = {0};

		if (!isnull)
		{
			text *t = DatumGetTextPP(value);

			r.phone = VARDATA_ANY(t);
			r.phone_len = (int) VARSIZE_ANY_EXHDR(t);
		}
		if (param != NULL && array_iterate(param, &value, &isnull) && !isnull)
		{
			MemoryContext old = MemoryContextSwitchTo(rcs_add_row_context(add));

			r.params = DatumGetJsonbP(value);
			MemoryContextSwitchTo(old);
		}
		rcs_add_recipient(add, &r);
		if (++n % RCS_CHUNK_ROWS == 0)
		{
			CHECK_FOR_INTERRUPTS();
			rcs_add_flush(add);
		}
	}
}

/* ---------- SQL ---------- */

static Datum
counts_row(FunctionCallInfo fcinfo, RcsAdd *add)
{
	RcsAddCounts counts;
	TupleDesc desc;
	Datum values[3];
	bool nulls[3] = {false};

	rcs_add_finish(add, &counts);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("rcs_campaign_add must return a row")));
	values[0] = Int64GetDatum(counts.added);
	values[1] = Int64GetDatum(counts.duplicates);
	values[2] = Int64GetDatum(counts.rejected);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

PG_FUNCTION_INFO_V1(rcs_campaign_add_query);
Datum
rcs_campaign_add_query(PG_FUNCTION_ARGS)
{
	RcsAdd *add;

	rcs_require_argument(PG_ARGISNULL(0), "campaign");
	rcs_require_argument(PG_ARGISNULL(1), "query");
	add = rcs_add_begin(PG_GETARG_UUID_P(0));
	add_query(add, text_to_cstring(PG_GETARG_TEXT_PP(1)));
	return counts_row(fcinfo, add);
}

PG_FUNCTION_INFO_V1(rcs_campaign_add_array);
Datum
rcs_campaign_add_array(PG_FUNCTION_ARGS)
{
	RcsAdd *add;
	ArrayType *phones;
	ArrayType *params;

	rcs_require_argument(PG_ARGISNULL(0), "campaign");
	rcs_require_argument(PG_ARGISNULL(1), "phones");
	phones = PG_GETARG_ARRAYTYPE_P(1);
	params = PG_ARGISNULL(2) ? NULL : PG_GETARG_ARRAYTYPE_P(2);
	check_arrays(phones, params);
	add = rcs_add_begin(PG_GETARG_UUID_P(0));
	add_arrays(add, phones, params);
	return counts_row(fcinfo, add);
}
