/*
 * outbox_upkeep.c
 *		The statements by which a worker purges what is old; see schema/77_purge.sql.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "base/statement.h"
#include "queue/outbox.h"

#define CUTOFF "now() - make_interval(secs => $1)"

static RcsStatement purge_turn = {"SELECT rcs._purge_turn(false)::int::int8", 0, {0}, NULL};
static RcsStatement purge_campaign = {"SELECT p.no, p.place FROM rcs._purge_campaign(" CUTOFF
									  ", $2, $3, $4) p",
									  4,
									  {INT4OID, INT8OID, INT8OID, INT4OID},
									  NULL};
static RcsStatement purge_singles = {"SELECT s.last FROM rcs._purge_singles(" CUTOFF ", $2, $3) s",
									 3,
									 {INT4OID, INT8OID, INT4OID},
									 NULL};
static RcsStatement purge_rest = {"SELECT rcs._purge_rest(" CUTOFF ")", 1, {INT4OID}, NULL};

/* False: somebody else is purging. */
bool
rcs_outbox_purge_turn(void)
{
	rcs_execute(&purge_turn, NULL, NULL);
	return rcs_column_int64(0, 1) != 0;
}

/* Where to go on; campaign 0 = at the end. */
void
rcs_outbox_purge_campaign(int keep_s, int64 *campaign_no, int64 *place, int most)
{
	Datum values[] = {Int32GetDatum(keep_s), Int64GetDatum(*campaign_no), Int64GetDatum(*place),
					  Int32GetDatum(most)};

	rcs_execute(&purge_campaign, values, NULL);
	*campaign_no = rcs_column_int64(0, 1);
	*place = rcs_column_int64(0, 2);
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
