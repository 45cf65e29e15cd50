/*
 * poll_store.c
 *		All SQL about reports that are asked for.
 *
 * This file must not know how the carrier is asked.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "account/account.h"
#include "base/statement.h"
#include "process/wakeup.h"
#include "report/poll_store.h"

/* After three days the carrier gives a message up. */
#define WAITED_FOR "interval '3 days'"

static RcsStatement list_accounts =
	{"SELECT s.srvname::text, p.query_id, p.problem FROM pg_foreign_server s"
	 " JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw"
	 " LEFT JOIN rcs.poll p ON p.server = s.srvname::text"
	 " WHERE w.fdwname = '" RCS_FDW_NAME "' AND s.srvtype = 'kt' ORDER BY s.srvname",
	 0,
	 {0},
	 NULL};

int
rcs_poll_rows(MemoryContext cxt, RcsPollRow **rows)
{
	int n = (int) rcs_execute(&list_accounts, NULL, NULL);

	*rows = MemoryContextAllocZero(cxt, sizeof(RcsPollRow) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		(*rows)[i].server = rcs_column_text(i, 1, cxt);
		(*rows)[i].query_id = rcs_column_text(i, 2, cxt);
		(*rows)[i].problem = rcs_column_text(i, 3, cxt);
	}
	return n;
}

static RcsStatement write_id = {"SELECT rcs._poll_id($1, $2)", 2, {TEXTOID, TEXTOID}, NULL};

void
rcs_poll_write_id(const char *server, const char *query_id)
{
	Datum values[] = {CStringGetTextDatum(server), CStringGetTextDatum(query_id)};

	rcs_execute(&write_id, values, NULL);
}

static RcsStatement write_problem = {"SELECT rcs._poll_problem($1, $2)",
									 2,
									 {TEXTOID, TEXTOID},
									 NULL};

/* NULL: there is no problem any more. */
void
rcs_poll_write_problem(const char *server, const char *problem)
{
	Datum values[] = {CStringGetTextDatum(server), 0};

	if (problem != NULL)
		values[1] = CStringGetTextDatum(problem);
	rcs_execute(&write_problem, values, problem != NULL ? NULL : " n");
}

static RcsStatement store_part =
	{"SELECT a.n, a.more FROM rcs._poll_answer($1, $2, $3, $4, $5, $6) a",
	 6,
	 {TEXTOID, BYTEAOID, INT4OID, INT4OID, TEXTOID, BOOLOID},
	 NULL};

void
rcs_poll_store(RcsPollPart *part)
{
	bytea *answer = palloc(VARHDRSZ + part->len);
	Datum values[6];
	char nulls[] = "      ";
	bool isnull;
	Datum more;

	SET_VARSIZE(answer, VARHDRSZ + part->len);
	memcpy(VARDATA(answer), part->answer, part->len);
	values[0] = CStringGetTextDatum(part->server);
	values[1] = PointerGetDatum(answer);
	values[2] = Int32GetDatum(part->first);
	values[3] = Int32GetDatum(part->most);
	values[4] = part->next_id != NULL ? CStringGetTextDatum(part->next_id) : (Datum) 0;
	nulls[4] = part->next_id != NULL ? ' ' : 'n';
	values[5] = BoolGetDatum(part->give_up);
	rcs_execute(&store_part, values, nulls);
	(void) rcs_column(0, 1, &isnull);
	part->readable = !isnull;
	part->n = (int) rcs_column_int64(0, 1);
	more = rcs_column(0, 2, &isnull);
	part->more = !isnull && DatumGetBool(more);
}

/* ---------- reports that are overdue ---------- */

/*
 * Results in the order of their key, from a place on.  A message is looked up only
 * if it was accepted, or may have been, and is neither too young nor too old.
 */
static RcsStatement read_results =
	{"SELECT r.campaign_no, r.batch_id, r.ord, r.attempt, r.server, m.id::text,"
	 " EXISTS (SELECT FROM rcs.event e WHERE e.message = m.id),"
	 " extract(epoch FROM now() - r.at)::bigint"
	 " FROM (SELECT x.campaign_no, x.batch_id, x.ord, x.attempt, x.server, x.at,"
	 "   x.outcome IN ('a', 'u') AND x.at < now() - make_interval(secs => $6)"
	 "   AND x.at > now() - " WAITED_FOR " AS awaited"
	 "  FROM rcs.result x WHERE (x.campaign_no, x.batch_id, x.ord, x.attempt) > ($1, $2, $3, $4)"
	 "  ORDER BY x.campaign_no, x.batch_id, x.ord, x.attempt LIMIT $5) r"
	 " LEFT JOIN LATERAL (SELECT k.id FROM rcs.message k WHERE r.awaited AND k.phone IS NOT NULL"
	 "  AND k.campaign_no = r.campaign_no AND k.batch_id = r.batch_id AND k.ord = r.ord) m ON true"
	 " ORDER BY 1, 2, 3, 4",
	 6,
	 {INT8OID, INT8OID, INT4OID, INT2OID, INT4OID, FLOAT8OID},
	 NULL};

/* Moves the place on by the results seen, and gives those that still wait for a report. */
int
rcs_poll_awaited(RcsPollPlace *place, int most, int after_s, MemoryContext cxt, RcsAwaited **list,
				 int *seen)
{
	Datum values[] = {Int64GetDatum(place->campaign_no),
					  Int64GetDatum(place->batch_id),
					  Int32GetDatum(place->ord),
					  Int16GetDatum((int16) place->attempt),
					  Int32GetDatum(most),
					  Float8GetDatum(after_s)};
	int n = 0;

	*seen = (int) rcs_execute(&read_results, values, NULL);
	*list = MemoryContextAllocZero(cxt, sizeof(RcsAwaited) * Max(*seen, 1));
	for (int i = 0; i < *seen; i++)
	{
		RcsAwaited *a = &(*list)[n];
		bool isnull;

		a->server = rcs_column_text(i, 5, cxt);
		a->message = rcs_column_text(i, 6, cxt);
		if (a->server == NULL || a->message == NULL)
			continue;
		a->reported = DatumGetBool(rcs_column(i, 7, &isnull));
		a->age_s = rcs_column_int64(i, 8);
		n++;
	}
	if (*seen > 0)
	{
		place->campaign_no = rcs_column_int64(*seen - 1, 1);
		place->batch_id = rcs_column_int64(*seen - 1, 2);
		place->ord = (int) rcs_column_int64(*seen - 1, 3);
		place->attempt = (int) rcs_column_int64(*seen - 1, 4);
	}
	return n;
}

/* Trigger on rcs.event and rcs._change: the worker that counts and numbers them looks. */
PG_FUNCTION_INFO_V1(rcs_to_count_came);
Datum
rcs_to_count_came(PG_FUNCTION_ARGS)
{
	rcs_wakeup_count();
	return PointerGetDatum(NULL);
}
