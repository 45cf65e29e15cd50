/*
 * builders.c
 *		How long a text is, for the builders of schema/011_builders.sql: SQL can
 *		count neither UTF-16 units nor bytes of CP949.
 *
 * It knows no limit and no member of a message.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "base/pg_compat.h"
#include "message/text_length.h"

PG_FUNCTION_INFO_V1(rcs_text_length_sql);
PG_FUNCTION_INFO_V1(rcs_text_cp949_bytes_sql);

Datum
rcs_text_length_sql(PG_FUNCTION_ARGS)
{
	text *t = PG_GETARG_TEXT_PP(0);

	PG_RETURN_INT32(rcs_text_length(VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t)));
}

/* Null for a text that CP949 cannot hold; the check of the message complains of it. */
Datum
rcs_text_cp949_bytes_sql(PG_FUNCTION_ARGS)
{
	text *t = PG_GETARG_TEXT_PP(0);
	int bad_at;
	int bytes = rcs_text_cp949_bytes(VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t), &bad_at);

	if (bytes < 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(bytes);
}
