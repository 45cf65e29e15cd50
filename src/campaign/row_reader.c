/*
 * row_reader.c
 *		A row of a caller's query read as a recipient.
 *
 * Four column names have a meaning, and every other column is a param of its
 * own name.  It must not know how rows are fetched or stored, and has no rights
 * but the caller's.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

#include "base/pg_compat.h"
#include "campaign/row_reader.h"

typedef enum ColumnUse
{
	COLUMN_PHONE,
	COLUMN_PARAMS,
	COLUMN_REF,
	COLUMN_CONSENT,
	COLUMN_PARAM /* any other: a param of its own name */
} ColumnUse;

typedef struct Column
{
	ColumnUse use;
	char *name;
	Oid type; /* base type of a domain */
	FmgrInfo output;
} Column;

struct RcsRowReader
{
	int ncolumns;
	Column *columns;
	bool has_param_columns;
	TupleDesc desc;
	Datum *values;
	bool *nulls;
};

/* ---------- columns ---------- */

static void
require_type(const Column *column, bool ok, const char *wanted)
{
	if (!ok)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("column \"%s\" of the query is of type %s, not %s", column->name,
							   format_type_be(column->type), wanted),
						errhint("Cast it to %s.", wanted)));
}

static void
describe_column(Column *column, Form_pg_attribute attribute)
{
	Oid output;
	bool varlena;

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

/* A join may have two columns of one name, and we cannot know which is meant. */
static void
require_own_name(const RcsRowReader *reader, int column)
{
	for (int i = 0; i < column; i++)
		if (strcmp(reader->columns[i].name, reader->columns[column].name) == 0)
			ereport(ERROR, (errcode(ERRCODE_DUPLICATE_COLUMN),
							errmsg("query has two columns \"%s\"", reader->columns[i].name),
							errhint("Leave one out, or give it another name with AS.")));
}

static void
require_phone(const RcsRowReader *reader)
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
			(errcode(ERRCODE_UNDEFINED_COLUMN), errmsg("query has no column \"phone\""),
			 reader->ncolumns > 0
				 ? errhint("Its columns are %s; name one of them \"phone\" with AS.", names.data)
				 : errhint("Give one SELECT that returns a column \"phone\".")));
}

RcsRowReader *
rcs_row_reader(TupleDesc desc)
{
	RcsRowReader *reader = palloc0(sizeof(RcsRowReader));

	reader->desc = desc;
	reader->ncolumns = desc->natts;
	reader->columns = palloc0(sizeof(Column) * Max(desc->natts, 1));
	reader->values = palloc(sizeof(Datum) * Max(desc->natts, 1));
	reader->nulls = palloc(sizeof(bool) * Max(desc->natts, 1));
	for (int i = 0; i < desc->natts; i++)
	{
		describe_column(&reader->columns[i], TupleDescAttr(desc, i));
		require_own_name(reader, i);
		if (reader->columns[i].use == COLUMN_PARAM)
			reader->has_param_columns = true;
	}
	require_phone(reader);
	return reader;
}

/* ---------- values ---------- */

static char *
value_text(Column *column, Datum value, int *len)
{
	char *s;

	if (column->type == TEXTOID || column->type == VARCHAROID)
	{
		text *t = DatumGetTextPP(value);

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
	return DatumGetJsonbP(
		DirectFunctionCall1(jsonb_in, CStringGetDatum(TextDatumGetCString(value))));
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
		Jsonb *jsonb = json_value(column->type, value);

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
push_given(RcsJsonbState *state, Jsonb *given)
{
	JsonbIterator *it = JsonbIteratorInit(&given->root);
	JsonbIteratorToken token;
	JsonbValue v;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY || token == WJB_VALUE)
			RcsPushJsonb(state, token, &v);
	}
}

/* Of two equal keys the later one stays, so the column "params" wins over other columns. */
static Jsonb *
row_params(RcsRowReader *reader, Jsonb *given)
{
	RcsJsonbState state = {0};
	JsonbValue v;

	if (!reader->has_param_columns || (given != NULL && !JB_ROOT_IS_OBJECT(given)))
		return given;
	RcsPushJsonb(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < reader->ncolumns; i++)
	{
		Column *column = &reader->columns[i];

		if (column->use != COLUMN_PARAM || reader->nulls[i])
			continue;
		v.type = jbvString;
		v.val.string.val = column->name;
		v.val.string.len = (int) strlen(column->name);
		RcsPushJsonb(&state, WJB_KEY, &v);
		param_value(column, reader->values[i], &v);
		RcsPushJsonb(&state, WJB_VALUE, &v);
	}
	if (given != NULL)
		push_given(&state, given);
	return JsonbValueToJsonb(RcsPushJsonb(&state, WJB_END_OBJECT, NULL));
}

static text *
ref_text(Column *column, Datum value)
{
	int len;
	char *s;

	if (column->type == TEXTOID || column->type == VARCHAROID)
		return DatumGetTextPP(value);
	s = value_text(column, value, &len);
	return cstring_to_text_with_len(s, len);
}

void
rcs_read_row(RcsRowReader *reader, HeapTuple tuple, RcsRecipient *r)
{
	Jsonb *given = NULL;

	memset(r, 0, sizeof(RcsRecipient));
	heap_deform_tuple(tuple, reader->desc, reader->values, reader->nulls);
	for (int i = 0; i < reader->ncolumns; i++)
	{
		Column *column = &reader->columns[i];
		Datum value = reader->values[i];

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
