/*
 * foreign_list.c
 *	  A list from outside, read element by element: those that can be read, and the bytes of
 *	  the others.
 *
 * Must not know what the elements mean.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/foreign_json.h"
#include "base/foreign_list.h"
#include "base/foreign_mend.h"
#include "base/pg_compat.h"

static void
add_good(RcsForeignList *l, RcsJsonbState *array, Jsonb *element)
{
	JsonbValue v;

	if (!JB_ROOT_IS_SCALAR(element) || !JsonbExtractScalar(&element->root, &v))
	{
		v.type = jbvBinary;
		v.val.binary.data = &element->root;
		v.val.binary.len = (int) (VARSIZE(element) - VARHDRSZ);
	}
	RcsPushJsonb(array, WJB_ELEM, &v);
	l->n_objects += JB_ROOT_IS_OBJECT(element) ? 1 : 0;
}

static void
add_bad(RcsForeignList *l, RcsBytes element)
{
	/* twice as much room at each power of two */
	if (l->bad == NULL)
		l->bad = palloc(sizeof(RcsBytes));
	else if ((l->n_bad & (l->n_bad - 1)) == 0)
		l->bad = repalloc(l->bad, sizeof(RcsBytes) * l->n_bad * 2);
	l->bad[l->n_bad++] = element;
}

bool
rcs_foreign_list(RcsForeignList *l, RcsBytes bytes, const char *name, int first, int most)
{
	RcsJsonbState array = {0};
	RcsElements e;
	RcsBytes element;

	*l = (RcsForeignList){.n = 0};
	if (!rcs_split_begin(&e, bytes, name))
		return false;
	RcsPushJsonb(&array, WJB_BEGIN_ARRAY, NULL);
	while (rcs_split_next(&e, &element))
	{
		Jsonb *read;

		if (e.n <= first || e.n - first > most)
			continue;
		read = rcs_foreign_value(element.at, element.end - element.at);
		if (read != NULL)
			add_good(l, &array, read);
		else
			add_bad(l, element);
	}
	l->good = JsonbValueToJsonb(RcsPushJsonb(&array, WJB_END_ARRAY, NULL));
	l->n = e.n;
	l->named = e.named;
	l->lone = e.lone;
	l->cut = e.cut;
	return true;
}

Datum
rcs_bytea_array(const RcsBytes *list, int n)
{
	Datum *elements = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		elements[i] =
			PointerGetDatum(cstring_to_text_with_len(list[i].at, (int) (list[i].end - list[i].at)));
	return PointerGetDatum(construct_array(elements, n, BYTEAOID, -1, false, TYPALIGN_INT));
}

Jsonb *
rcs_foreign_mended(RcsBytes bytes, int encoding, const char **problem)
{
	RcsMended m;
	Jsonb *read;

	rcs_mend(&m, bytes, encoding);
	read = rcs_foreign_value(m.text.data, m.text.len);
	if (read == NULL)
		*problem = "is not JSON";
	else if (m.bytes > 0)
		*problem = psprintf("is not %s", pg_encoding_to_char(encoding));
	else if (m.escapes > 0)
		*problem = "holds a zero, or half of a character";
	else
		*problem = "is not JSON, but for a small fault";
	pfree(m.text.data);
	return read;
}
