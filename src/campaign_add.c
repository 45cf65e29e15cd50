/*
 * campaign_add.c
 *		rcs_campaign_add: where the recipients of a campaign come from.
 *
 * The caller's query runs in a cursor with the caller's rights and search_path,
 * so nothing here runs as the owner; campaign_chunk.c does that between two
 * fetches.  This file knows columns and arrays, and nothing of the queue.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/plancache.h"
#include "utils/portal.h"

#include "campaign.h"
#include "campaign_chunk.h"

typedef enum ColumnUse
{
	COLUMN_PHONE,
	COLUMN_PARAMS,
	COLUMN_REF,
	COLUMN_CONSENT,
	COLUMN_PARAM				/* any other: a param of its own name */
} ColumnUse;

typedef struct Column
{
	ColumnUse	use;
	char	   *name;
	Oid			type;			/* base type of a domain */
	FmgrInfo	output;
} Column;

typedef struct RowReader
{
	int			ncolumns;
	Column	   *columns;
	bool		has_param_columns;
	TupleDesc	desc;
	Datum	   *values;
	bool	   *nulls;
} RowReader;

/* ---------- the query ---------- */

static void
refuse_array_literal(const char *query)
{
	if (query[strspn(query, " \t\r\n")] == '{')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("query is an array literal"),
				 errhint("Cast a list of phone numbers to text[].")));
}

static void
refuse_non_select(SPIPlanPtr plan)
{
	List	   *sources = SPI_plan_get_plan_sources(plan);
	CachedPlanSource *source;

	if (list_length(sources) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg(sources == NIL ? "query is empty" : "query has more than one statement"),
				 errhint("Give one SELECT that returns a column \"phone\".")));
	source = linitial(sources);
	if (list_length(source->query_list) != 1 ||
		linitial_node(Query, source->query_list)->commandType != CMD_SELECT)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("query is not a SELECT"),
				 errhint("Give one SELECT that returns a column \"phone\".")));
}

static Portal
open_query(const char *query)
{
	SPIPlanPtr	plan;

	refuse_array_literal(query);
	plan = SPI_prepare(query, 0, NULL);
	if (plan == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("query cannot be run: %s", SPI_result_code_string(SPI_result)),
				 errhint("Give one SELECT that returns a column \"phone\".")));
	refuse_non_select(plan);
	return SPI_cursor_open(NULL, plan, NULL, NULL, false);
}

/* ---------- its columns ---------- */

static void
require_type(const Column *column, bool ok, const char *wanted)
{
	if (!ok)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of the query is of type %s, not %s", column->name,
						format_type_be(column->type), wanted),
				 errhint("Cast it to %s.", wanted)));
}

static void
describe_column(Column *column, Form_pg_attribute attribute)
{
	Oid			output;
	bool		varlena;

	column->name = pstrdup(NameStr(attribute->attname));
	column->type = getBaseType(attribute->atttypid);
	column->use = COLUMN_PARAM;
	getTypeOutputInfo(column->type, &output, &varlena);
	fmgr_info(output, &column->output);
	if (strcmp(column->name, "phone") == 0)
		column->use = COLUMN_PHONE;
	else if (strcmp(column->name, "ref") == 0)
		column->use = COLUMN_REF;
	else if (strcmp(column->name, "params") == 0)
	{
		column->use = COLUMN_PARAMS;
		require_type(column, column->type == JSONBOID || column->type == JSONOID, "jsonb");
	}
	else if (strcmp(column->name, "night_consent") == 0)
	{
		column->use = COLUMN_CONSENT;
		require_type(column, column->type == BOOLOID, "boolean");
	}
}

static void
require_phone(const RowReader *reader)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < reader->ncolumns; i++)
	{
		if (reader->columns[i].use == COLUMN_PHONE)
			return;
		appendStringInfo(&names, "%s\"%s\"", i > 0 ? ", " : "", reader->columns[i].name);
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("query has no column \"phone\""),
			 reader->ncolumns > 0
			 ? errhint("Its columns are %s; name one of them \"phone\" with AS.", names.data)
			 : errhint("Give one SELECT that returns a column \"phone\".")));
}

static RowReader *
make_reader(TupleDesc desc)
{
	RowReader  *reader = palloc0(sizeof(RowReader));

	reader->desc = desc;
	reader->ncolumns = desc->natts;
	reader->columns = palloc0(sizeof(Column) * Max(desc->natts, 1));
	reader->values = palloc(sizeof(Datum) * Max(desc->natts, 1));
	reader->nulls = palloc(sizeof(bool) * Max(desc->natts, 1));
	for (int i = 0; i < desc->natts; i++)
	{
		describe_column(&reader->columns[i], TupleDescAttr(desc, i));
		if (reader->columns[i].use == COLUMN_PARAM)
			reader->has_param_columns = true;
	}
	require_phone(reader);
	return reader;
}

/* ---------- its values ---------- */

static char *
value_text(Column *column, Datum value, int *len)
{
	char	   *s;

	if (column->type == TEXTOID || column->type == VARCHAROID)
	{
		text	   *t = DatumGetTextPP(value);

		*len = (int) VARSIZE_ANY_EXHDR(t);
		return VARDATA_ANY(t);
	}
	s = OutputFunctionCall(&column->output, value);
	*len = (int) strlen(s);
	return s;
}

static Jsonb *
json_value(Oid type, Datum value)
{
	if (type == JSONBOID)
		return DatumGetJsonbP(value);
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
											  CStringGetDatum(TextDatumGetCString(value))));
}

/* Numbers that JSON has; infinities and not-a-number go as text. */
static bool
numeric_value(Oid type, Datum value, JsonbValue *v)
{
	v->type = jbvNumeric;
	switch (type)
	{
		case INT2OID:
			v->val.numeric = int64_to_numeric(DatumGetInt16(value));
			return true;
		case INT4OID:
			v->val.numeric = int64_to_numeric(DatumGetInt32(value));
			return true;
		case INT8OID:
			v->val.numeric = int64_to_numeric(DatumGetInt64(value));
			return true;
		case FLOAT4OID:
			v->val.numeric = DatumGetNumeric(DirectFunctionCall1(float4_numeric, value));
			break;
		case FLOAT8OID:
			v->val.numeric = DatumGetNumeric(DirectFunctionCall1(float8_numeric, value));
			break;
		case NUMERICOID:
			v->val.numeric = DatumGetNumeric(value);
			break;
		default:
			return false;
	}
	return !numeric_is_nan(v->val.numeric) && !numeric_is_inf(v->val.numeric);
}

static void
param_value(Column *column, Datum value, JsonbValue *v)
{
	if (numeric_value(column->type, value, v))
		return;
	if (column->type == BOOLOID)
	{
		v->type = jbvBool;
		v->val.boolean = DatumGetBool(value);
	}
	else if (column->type == JSONBOID || column->type == JSONOID)
	{
		Jsonb	   *jsonb = json_value(column->type, value);

		if (!JB_ROOT_IS_SCALAR(jsonb) || !JsonbExtractScalar(&jsonb->root, v))
			JsonbToJsonbValue(jsonb, v);
	}
	else
	{
		v->type = jbvString;
		v->val.string.val = value_text(column, value, &v->val.string.len);
	}
}

static void
push_given(JsonbParseState **state, Jsonb *given)
{
	JsonbIterator *it = JsonbIteratorInit(&given->root);
	JsonbIteratorToken token;
	JsonbValue	v;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY || token == WJB_VALUE)
			pushJsonbValue(state, token, &v);
	}
}

/* Of two equal keys the later one stays: so params given explicitly win. */
static Jsonb *
row_params(RowReader *reader, Jsonb *given)
{
	JsonbParseState *state = NULL;
	JsonbValue	v;

	if (!reader->has_param_columns || (given != NULL && !JB_ROOT_IS_OBJECT(given)))
		return given;
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < reader->ncolumns; i++)
	{
		Column	   *column = &reader->columns[i];

		if (column->use != COLUMN_PARAM || reader->nulls[i])
			continue;
		v.type = jbvString;
		v.val.string.val = column->name;
		v.val.string.len = (int) strlen(column->name);
		pushJsonbValue(&state, WJB_KEY, &v);
		param_value(column, reader->values[i], &v);
		pushJsonbValue(&state, WJB_VALUE, &v);
	}
	if (given != NULL)
		push_given(&state, given);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

static text *
ref_text(Column *column, Datum value)
{
	int			len;
	char	   *s;

	if (column->type == TEXTOID || column->type == VARCHAROID)
		return DatumGetTextPP(value);
	s = value_text(column, value, &len);
	return cstring_to_text_with_len(s, len);
}

static void
read_row(RowReader *reader, HeapTuple tuple, RcsRecipient *r)
{
	Jsonb	   *given = NULL;

	memset(r, 0, sizeof(RcsRecipient));
	heap_deform_tuple(tuple, reader->desc, reader->values, reader->nulls);
	for (int i = 0; i < reader->ncolumns; i++)
	{
		Column	   *column = &reader->columns[i];
		Datum		value = reader->values[i];

		if (reader->nulls[i])
			continue;
		switch (column->use)
		{
			case COLUMN_PHONE:
				r->phone = value_text(column, value, &r->phone_len);
				break;
			case COLUMN_PARAMS:
				given = json_value(column->type, value);
				break;
			case COLUMN_REF:
				r->ref = ref_text(column, value);
				break;
			case COLUMN_CONSENT:
				r->consent_known = true;
				r->night_consent = DatumGetBool(value);
				break;
			case COLUMN_PARAM:
				break;
		}
	}
	r->params = row_params(reader, given);
}

static void
add_rows(RcsAdd *add, RowReader *reader, SPITupleTable *rows, uint64 n)
{
	for (uint64 i = 0; i < n; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(rcs_add_row_context(add));
		RcsRecipient r;

		read_row(reader, rows->vals[i], &r);
		MemoryContextSwitchTo(old);
		rcs_add_recipient(add, &r);
	}
	rcs_add_flush(add);
}

static void
add_query(RcsAdd *add, const char *query)
{
	Portal		portal;
	RowReader  *reader;

	SPI_connect();
	portal = open_query(query);
	reader = make_reader(portal->tupDesc);
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
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("phones and params must be arrays of one dimension")));
	if (params != NULL &&
		ArrayGetNItems(ARR_NDIM(phones), ARR_DIMS(phones)) !=
		ArrayGetNItems(ARR_NDIM(params), ARR_DIMS(params)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("phones and params are not of the same length"),
				 errhint("Give one element of params for each phone number; null stands for none.")));
}

static void
add_arrays(RcsAdd *add, ArrayType *phones, ArrayType *params)
{
	ArrayIterator phone = array_create_iterator(phones, 0, NULL);
	ArrayIterator param = params ? array_create_iterator(params, 0, NULL) : NULL;
	Datum		value;
	bool		isnull;
	int			n = 0;

	while (array_iterate(phone, &value, &isnull))
	{
		RcsRecipient r = {0};

		if (!isnull)
		{
			text	   *t = DatumGetTextPP(value);

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
	TupleDesc	desc;
	Datum		values[3];
	bool		nulls[3] = {false};

	rcs_add_finish(add, &counts);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
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
	RcsAdd	   *add;

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
	RcsAdd	   *add;
	ArrayType  *phones;
	ArrayType  *params;

	rcs_require_argument(PG_ARGISNULL(0), "campaign");
	rcs_require_argument(PG_ARGISNULL(1), "phones");
	phones = PG_GETARG_ARRAYTYPE_P(1);
	params = PG_ARGISNULL(2) ? NULL : PG_GETARG_ARRAYTYPE_P(2);
	check_arrays(phones, params);
	add = rcs_add_begin(PG_GETARG_UUID_P(0));
	add_arrays(add, phones, params);
	return counts_row(fcinfo, add);
}
