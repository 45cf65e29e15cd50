/*
 * rejected.c
 *		The record of recipients that were not taken.
 *
 * It must not know the rules by which a recipient is refused.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "base/statement.h"
#include "queue/rejected.h"

#define MAX_PHONE 100 /* bytes of a bad number worth keeping */

static RcsStatement insert_rejected =
	{"INSERT INTO rcs.rejected (campaign, phone, params, ref, code, reason)"
	 " VALUES ($1, $2, $3, $4, $5, $6)",
	 6,
	 {UUIDOID, TEXTOID, JSONBOID, TEXTOID, TEXTOID, TEXTOID},
	 NULL};

void
rcs_rejected_insert(const RcsRejected *r)
{
	Datum values[6] = {0};
	char nulls[] = "      ";

	if (r->phone == NULL)
		nulls[1] = 'n';
	else
		values[1] = PointerGetDatum(
			cstring_to_text_with_len(r->phone, pg_mbcliplen(r->phone, r->phone_len, MAX_PHONE)));
	values[0] = UUIDPGetDatum(r->campaign);
	nulls[0] = r->campaign ? ' ' : 'n';
	values[2] = PointerGetDatum(r->params);
	nulls[2] = r->params ? ' ' : 'n';
	values[3] = PointerGetDatum(r->ref);
	nulls[3] = r->ref ? ' ' : 'n';
	values[4] = CStringGetTextDatum(r->code);
	values[5] = CStringGetTextDatum(r->reason);
	rcs_execute(&insert_rejected, values, nulls);
}
