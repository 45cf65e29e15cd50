/*
 * media_store.c
 *		All SQL of rcs.media and rcs.media_url.
 *
 * A copy belongs to an account, not to the name of a server: after a change of url or
 * rcs_id it does not count.  A copy is renewed some time before it expires, under
 * a new id.  This file must not know how an image is fetched or uploaded.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "account/account_shared.h"
#include "base/statement.h"
#include "media/media_store.h"

#define KEPT_DAYS 365 /* by the carrier, when it does not say */

/* A week before the end, or a tenth of its life when that is short. */
#define IS_OLD(m)                                                                            \
	"(" m ".expires_at - least(interval '7 days', (" m ".expires_at - " m ".uploaded_at) / " \
	"10) <= clock_timestamp())"

/* SPI leaves us in a memory context of its own. */
static uint64
run(RcsStatement *s, Datum *values, const char *nulls, bool latest)
{
	MemoryContext caller = CurrentMemoryContext;
	uint64 n = latest ? rcs_execute_latest(s, values) : rcs_execute(s, values, nulls);

	MemoryContextSwitchTo(caller);
	return n;
}

static Datum
bytea_datum(const uint8 *bytes, size_t len)
{
	bytea *b = palloc(VARHDRSZ + len);

	SET_VARSIZE(b, VARHDRSZ + len);
	memcpy(VARDATA(b), bytes, len);
	return PointerGetDatum(b);
}

static TimestampTz
column_time(uint64 row, int column)
{
	bool isnull;
	Datum d = rcs_column(row, column, &isnull);

	return isnull ? 0 : DatumGetTimestampTz(d);
}

static bool
column_bool(uint64 row, int column)
{
	bool isnull;
	Datum d = rcs_column(row, column, &isnull);

	return !isnull && DatumGetBool(d);
}

/* ---------- copies ---------- */

static RcsStatement find_copies =
	{"SELECT m.server, m.account, m.generation, " IS_OLD(
		 "m") " FROM rcs.media m WHERE m.sha256 = $1 AND m.server = ANY ($2)",
	 2,
	 {BYTEAOID, TEXTARRAYOID},
	 NULL};

typedef struct Copy
{
	bool there;
	int generation;
	bool old;
} Copy;

static Datum
server_names(List *accounts)
{
	const char **names = palloc(sizeof(char *) * Max(list_length(accounts), 1));
	int n = 0;
	ListCell *lc;

	foreach(lc, accounts)
		names[n++] = ((RcsServerOptions *) lfirst(lc))->name;
	return PointerGetDatum(rcs_text_array(names, n));
}

/* The copy of one account, by the rows just read. */
static Copy
copy_of(const RcsServerOptions *account, uint64 nrows)
{
	Copy copy = {false, 0, false};

	for (uint64 i = 0; i < nrows; i++)
	{
		if (strcmp(rcs_column_text(i, 1, CurrentMemoryContext), account->name) != 0 ||
			rcs_column_int64(i, 2) != rcs_account_key(account->url, account->rcs_id))
			continue;
		copy.there = true;
		copy.generation = (int) rcs_column_int64(i, 3);
		copy.old = column_bool(i, 4);
	}
	return copy;
}

/*
 * All accounts get one id: that of the latest generation, or of the next one when a
 * copy of the latest is old.
 */
void
rcs_media_need(const uint8 digest[RCS_MEDIA_DIGEST], List *accounts, bool latest, MemoryContext cxt,
			   RcsMediaNeed *need)
{
	Datum values[] = {bytea_datum(digest, RCS_MEDIA_DIGEST), server_names(accounts)};
	uint64 n = run(&find_copies, values, NULL, latest);
	MemoryContext old;
	bool renew = false;
	ListCell *lc;

	need->generation = 0;
	need->missing = NIL;
	foreach(lc, accounts)
	{
		Copy copy = copy_of(lfirst(lc), n);

		if (!copy.there || copy.generation < need->generation)
			continue;
		renew = (renew && copy.generation == need->generation) || copy.old;
		need->generation = copy.generation;
	}
	if (renew)
		need->generation++;
	old = MemoryContextSwitchTo(cxt);
	foreach(lc, accounts)
	{
		Copy copy = copy_of(lfirst(lc), n);

		if (!copy.there || copy.generation != need->generation)
			need->missing = lappend(need->missing, lfirst(lc));
	}
	MemoryContextSwitchTo(old);
	rcs_media_file_id(digest, need->generation, need->file_id);
}

static RcsStatement add_copy =
	{"INSERT INTO rcs.media AS m (server, account, sha256, generation, file_id, mime_type, size,"
	 " uploaded_at, expires_at)"
	 " VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp(),"
	 "  coalesce($8, clock_timestamp() + make_interval(days => $9)))"
	 " ON CONFLICT (server, sha256) DO UPDATE SET account = EXCLUDED.account,"
	 "  generation = EXCLUDED.generation, file_id = EXCLUDED.file_id,"
	 "  mime_type = EXCLUDED.mime_type, size = EXCLUDED.size,"
	 "  uploaded_at = EXCLUDED.uploaded_at, expires_at = EXCLUDED.expires_at",
	 9,
	 {TEXTOID, INT8OID, BYTEAOID, INT4OID, TEXTOID, TEXTOID, INT4OID, TIMESTAMPTZOID, INT4OID},
	 NULL};

void
rcs_media_add_copy(const RcsMediaCopy *copy)
{
	Datum values[9];
	char nulls[] = "         ";

	values[0] = CStringGetTextDatum(copy->server);
	values[1] = Int64GetDatum(copy->account);
	values[2] = bytea_datum(copy->digest, RCS_MEDIA_DIGEST);
	values[3] = Int32GetDatum(copy->generation);
	values[4] = CStringGetTextDatum(copy->file_id);
	values[5] = CStringGetTextDatum(copy->type);
	values[6] = Int32GetDatum(copy->size);
	values[7] = TimestampTzGetDatum(copy->expires_at);
	values[8] = Int32GetDatum(KEPT_DAYS);
	if (copy->expires_at == 0)
		nulls[7] = 'n';
	run(&add_copy, values, nulls, false);
}

/* ---------- addresses ---------- */

/* A copy is used up to a minute before its end. */
static RcsStatement look_at_url =
	{"SELECT u.server, u.sha256, coalesce(u.fresh_until > clock_timestamp(), false), u.failures,"
	 " u.problem, u.tried_at, u.next_at, m.file_id, " IS_OLD(
		 "m") ", CASE WHEN u.fresh_until > clock_timestamp()"
			  "  THEN least(u.fresh_until, m.expires_at - interval '1 minute')"
			  "  ELSE m.expires_at - interval '1 minute' END"
			  " FROM rcs.media_url u LEFT JOIN rcs.media m ON m.sha256 = u.sha256 AND m.server = $2"
			  "  AND m.account = $3 AND m.expires_at > clock_timestamp() + interval '1 minute'"
			  " WHERE u.url = $1",
	 3,
	 {TEXTOID, TEXTOID, INT8OID},
	 NULL};

bool
rcs_media_url_look(const char *url, const RcsServerOptions *account, MemoryContext cxt,
				   RcsMediaUrlRow *row)
{
	Datum values[] = {CStringGetTextDatum(url),
					  CStringGetTextDatum(account != NULL ? account->name : ""),
					  Int64GetDatum(account != NULL ? rcs_account_key(account->url, account->rcs_id)
													: 0)};
	Datum digest;
	bool isnull;

	memset(row, 0, sizeof(*row));
	if (run(&look_at_url, values, NULL, false) == 0)
		return false;
	row->server = rcs_column_text(0, 1, cxt);
	digest = rcs_column(0, 2, &isnull);
	row->known = !isnull;
	if (row->known)
	{
		bytea *b = DatumGetByteaPP(digest);

		memcpy(row->digest, VARDATA_ANY(b), Min(VARSIZE_ANY_EXHDR(b), RCS_MEDIA_DIGEST));
	}
	row->fresh = column_bool(0, 3);
	row->failures = (int) rcs_column_int64(0, 4);
	row->problem = rcs_column_text(0, 5, cxt);
	row->tried_at = column_time(0, 6);
	row->next_at = column_time(0, 7);
	row->file_id = rcs_column_text(0, 8, cxt);
	row->renew = column_bool(0, 9);
	row->good_until = column_time(0, 10);
	return true;
}

static RcsStatement forget_urls =
	{"DELETE FROM rcs.media_url u WHERE u.tried_at < now() - interval '30 days'"
	 " AND coalesce(u.fresh_until < now(), true)",
	 0,
	 {0},
	 NULL};
static RcsStatement url_found =
	{"INSERT INTO rcs.media_url AS u (url, server, sha256, mime_type, size, fetched_at,"
	 " fresh_until, tried_at) VALUES ($1, $2, $3, $4, $5, clock_timestamp(),"
	 "  clock_timestamp() + make_interval(secs => $6 / 1e6), clock_timestamp())"
	 " ON CONFLICT (url) DO UPDATE SET server = EXCLUDED.server, sha256 = EXCLUDED.sha256,"
	 "  mime_type = EXCLUDED.mime_type, size = EXCLUDED.size, fetched_at = EXCLUDED.fetched_at,"
	 "  fresh_until = EXCLUDED.fresh_until, tried_at = EXCLUDED.tried_at,"
	 "  failures = 0, problem = NULL, next_at = NULL",
	 6,
	 {TEXTOID, TEXTOID, BYTEAOID, TEXTOID, INT4OID, INT8OID},
	 NULL};

void
rcs_media_url_found(const RcsMediaFound *found)
{
	Datum values[6];

	values[0] = CStringGetTextDatum(found->url);
	values[1] = CStringGetTextDatum(found->server);
	values[2] = bytea_datum(found->digest, RCS_MEDIA_DIGEST);
	values[3] = CStringGetTextDatum(found->type);
	values[4] = Int32GetDatum(found->size);
	values[5] = Int64GetDatum(found->ttl_us);
	run(&url_found, values, NULL, false);
	run(&forget_urls, NULL, NULL, false);
}

static RcsStatement url_failed =
	{"INSERT INTO rcs.media_url AS u (url, server, problem, failures, tried_at, next_at)"
	 " VALUES ($1, $2, $3, $4, clock_timestamp(),"
	 "  clock_timestamp() + make_interval(secs => $5 / 1e6))"
	 " ON CONFLICT (url) DO UPDATE SET problem = EXCLUDED.problem, failures = EXCLUDED.failures,"
	 "  tried_at = EXCLUDED.tried_at, next_at = EXCLUDED.next_at",
	 5,
	 {TEXTOID, TEXTOID, TEXTOID, INT4OID, INT8OID},
	 NULL};

/* An image that was found before stays. */
void
rcs_media_url_failed(const char *url, const char *server, const char *problem, int failures,
					 int64 pause_us)
{
	Datum values[5];

	values[0] = CStringGetTextDatum(url);
	values[1] = CStringGetTextDatum(server);
	values[2] = CStringGetTextDatum(problem);
	values[3] = Int32GetDatum(failures);
	values[4] = Int64GetDatum(pause_us);
	run(&url_failed, values, NULL, false);
}
