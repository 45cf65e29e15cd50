/*
 * result_code.c
 *		Reads the operator's changes to rcs.result_code, and writes rcs.unknown_code.
 *
 * The codes that the extension ships are compiled into response.c, not read here.
 * This file must not know what a class means.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/statement.h"
#include "carrier/result_code.h"

static RcsStatement changes =
	{"SELECT c.code::int4, coalesce(c.class, s.class), coalesce(c.account, s.account, false)"
	 " FROM rcs._code_change c LEFT JOIN rcs._code_shipped s ON s.code = c.code"
	 " WHERE c.class IS NOT NULL OR c.account IS NOT NULL AND s.code IS NOT NULL"
	 " ORDER BY 1",
	 0,
	 {0},
	 NULL};

/* The codes whose meaning was changed or added here. */
void
rcs_result_codes(MemoryContext cxt, RcsCodes *codes)
{
	int n = (int) rcs_execute(&changes, NULL, NULL);

	codes->n = 0;
	codes->list = MemoryContextAlloc(cxt, sizeof(RcsCode) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		RcsCode *c = &codes->list[codes->n++];
		char *cls = rcs_column_text(i, 2, CurrentMemoryContext);
		bool isnull;

		c->code = (int) rcs_column_int64(i, 1);
		c->cls = cls[0];
		c->account = DatumGetBool(rcs_column(i, 3, &isnull));
	}
}

/* A row that somebody has locked is left for later, so that no worker waits for it. */
static RcsStatement count_again =
	{"UPDATE rcs.unknown_code SET n = n + $2, last_at = $4, server = $5, http_status = $6,"
	 "  reason = $7 WHERE code = (SELECT u.code FROM rcs.unknown_code u WHERE u.code = $1"
	 "  FOR UPDATE SKIP LOCKED)",
	 7,
	 {TEXTOID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID, INT4OID, TEXTOID},
	 NULL};

/* The number of rows is bounded, because the carrier chooses the codes. */
static RcsStatement count_first =
	{"INSERT INTO rcs.unknown_code (code, n, first_at, last_at, server, http_status, reason)"
	 " SELECT $1, $2, $3, $4, $5, $6, $7 WHERE (SELECT count(*) FROM rcs.unknown_code) < 1000"
	 " AND NOT EXISTS (SELECT FROM rcs.unknown_code u WHERE u.code = $1)"
	 " ON CONFLICT DO NOTHING",
	 7,
	 {TEXTOID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID, INT4OID, TEXTOID},
	 NULL};

/* False: not written. */
bool
rcs_result_code_unknown(const RcsUnknownCode *u)
{
	Datum values[] = {CStringGetTextDatum(u->code),		Int64GetDatum(u->n),
					  TimestampTzGetDatum(u->first_at), TimestampTzGetDatum(u->last_at),
					  CStringGetTextDatum(u->server),	Int32GetDatum(u->http_status),
					  CStringGetTextDatum(u->reason)};

	return rcs_execute(&count_again, values, NULL) > 0 ||
		   rcs_execute(&count_first, values, NULL) > 0;
}
