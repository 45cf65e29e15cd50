/*
 * elements.c
 *		What SQL needs to deal with elements that cannot be read: the parts of an answer, and
 *		what kept bytes could mean.
 *
 * This file must not know what is done with them.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/foreign_list.h"
#include "base/foreign_text.h"
#include "base/pg_compat.h"

static RcsBytes
bytes_of(const bytea *b)
{
	return (RcsBytes){VARDATA_ANY(b), VARDATA_ANY(b) + VARSIZE_ANY_EXHDR(b)};
}

static Datum
row(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	TupleDesc desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "unexpected result type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/* ---------- the elements of an answer ---------- */

/* The carrier writes it as a number, too. */
static bool
says_yes(RcsBytes answer, const char *name)
{
	static const char *const yes[] = {"1", "\"1\"", "true", "\"true\""};
	RcsBytes value;

	(void) rcs_split_member(answer, name, &value);
	for (int i = 0; value.at != NULL && i < lengthof(yes); i++)
	{
		size_t len = strlen(yes[i]);

		if (value.end - value.at == len && memcmp(value.at, yes[i], len) == 0)
			return true;
	}
	return false;
}

/*
 * (answer bytea, list text, first int, most int) → n, cut, more, good jsonb, bad bytea[].
 * n is null when it is no object, and 0 when it is one without the list.
 */
PG_FUNCTION_INFO_V1(rcs_answer_elements);
Datum
rcs_answer_elements(PG_FUNCTION_ARGS)
{
	RcsBytes answer = bytes_of(PG_GETARG_BYTEA_PP(0));
	char *list = text_to_cstring(PG_GETARG_TEXT_PP(1));
	RcsForeignList l;
	bool read = rcs_foreign_list(&l, answer, list, PG_GETARG_INT32(2), PG_GETARG_INT32(3));
	bool none = !l.named;
	Datum values[5] = {0};
	bool nulls[5] = {false, false, false, none, none};

	nulls[0] = !read || (none && !l.lone);
	values[0] = Int32GetDatum(none ? 0 : l.n);
	values[1] = BoolGetDatum(l.cut);
	values[2] = BoolGetDatum(!none && says_yes(answer, "moreToSend"));
	if (!none)
	{
		values[3] = JsonbPGetDatum(l.good);
		values[4] = rcs_bytea_array(l.bad, l.n_bad);
	}
	return row(fcinfo, values, nulls);
}

/* ---------- kept bytes ---------- */

/* (raw bytea, encoding text) → element jsonb, null if it is none even so; problem text */
PG_FUNCTION_INFO_V1(rcs_mended_element);
Datum
rcs_mended_element(PG_FUNCTION_ARGS)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	int encoding = pg_char_to_encoding(name);
	const char *problem;
	Jsonb *element;
	Datum values[2];
	bool nulls[2];

	if (encoding < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("there is no encoding \"%s\"", name),
						errhint("KT's texts may be in UHC, which is EUC-KR with all syllables.")));
	element = rcs_foreign_mended(bytes_of(PG_GETARG_BYTEA_PP(0)), encoding, &problem);
	nulls[0] = element == NULL;
	values[0] = element != NULL ? JsonbPGetDatum(element) : (Datum) 0;
	nulls[1] = false;
	values[1] = CStringGetTextDatum(problem);
	return row(fcinfo, values, nulls);
}

/* ---------- texts ---------- */

/* (text, size int, VARIADIC requests jsonb[]) -> text without what those hold */
PG_FUNCTION_INFO_V1(rcs_clean_text);
Datum
rcs_clean_text(PG_FUNCTION_ARGS)
{
	RcsOwnStrings own = {0};
	int size = PG_ARGISNULL(1) ? 0 : PG_GETARG_INT32(1);
	char *clean;

	if (PG_ARGISNULL(0) || size < 1 || size > 2000)
		PG_RETURN_NULL();
	if (!PG_ARGISNULL(2))
	{
		Datum *requests;
		bool *nulls;
		int n;

		deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), JSONBOID, -1, false, TYPALIGN_INT, &requests,
						  &nulls, &n);
		for (int i = 0; i < n; i++)
			if (!nulls[i])
				rcs_own_strings_add(&own, &DatumGetJsonbP(requests[i])->root);
	}
	clean = palloc(size + 1);
	rcs_foreign_text(clean, size + 1, text_to_cstring(PG_GETARG_TEXT_PP(0)), &own);
	PG_RETURN_TEXT_P(cstring_to_text(clean));
}
