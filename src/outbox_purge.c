/*
 * outbox_purge.c
 *		The statements by which a worker purges what is old; see schema/77_purge.sql.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "outbox.h"
#include "statement.h"

#define CUTOFF "now() - make_interval(secs => $1)"

static RcsStatement purge_campaign = {"SELECT rcs._purge_campaign(" CUTOFF ", $2)",
									  2,
									  {INT4OID, INT4OID},
									  NULL};
static RcsStatement purge_singles = {"SELECT s.last FROM rcs._purge_singles(" CUTOFF ", $2, $3) s",
									 3,
									 {INT4OID, INT8OID, INT4OID},
									 NULL};
static RcsStatement purge_rest = {"SELECT rcs._purge_rest(" CUTOFF ")", 1, {INT4OID}, NULL};

/* How many messages; 0 = no campaign is old enough. */
int64
rcs_outbox_purge_campaign(int keep_s, int most)
{
	Datum values[] = {Int32GetDatum(keep_s), Int32GetDatum(most)};

	rcs_execute(&purge_campaign, values, NULL);
	return rcs_column_int64(0, 1);
}

/* Where to go on; 0 = at the end. */
int64
rcs_outbox_purge_singles(int keep_s, int64 after, int most)
{
	Datum values[] = {Int32GetDatum(keep_s), Int64GetDatum(after), Int32GetDatum(most)};

	rcs_execute(&purge_singles, values, NULL);
	return rcs_column_int64(0, 1);
}

void
rcs_outbox_purge_rest(int keep_s)
{
	Datum values[] = {Int32GetDatum(keep_s)};

	rcs_execute(&purge_rest, values, NULL);
}
