/*
 * throughput.c
 *		Counts the outcomes of requests for each carrier account and minute.
 *
 * A worker counts in its memory and appends the new counts three times a minute, in a
 * separate transaction: a message costs a few additions, and no worker waits for a row
 * lock.  A worker that is killed loses the counts of its latest seconds; rcs.result
 * loses nothing.  This file must not know how an answer is judged.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/monotonic.h"
#include "base/statement.h"
#include "carrier/throughput.h"
#include "process/txn.h"

#define WRITE_EVERY (20 * SECOND)
#define PRUNE_EVERY (3600 * SECOND)
#define MAX_CELLS 256 /* counts beyond are lost, if no transaction succeeds */

/* The buckets of rcs._percentile(): three to an octave, from half a millisecond. */
#define BUCKETS 54
#define FIRST_BOUND_US 500.0

/* One account in one minute, since the last time it was written down. */
typedef struct Cell
{
	TimestampTz minute;
	char server[NAMEDATALEN];
	int64 kinds[RCS_ANSWER_OTHER + 1];
	int latency[BUCKETS];
} Cell;

/* What is counted and not yet written down. */
static struct
{
	Cell cells[MAX_CELLS];
	int n;
	int64 write_at_us;
	int64 prune_at_us;
} tally;

static Cell *
cell_of(const char *server)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz minute = now - now % (60 * SECOND);
	Cell *c;

	for (int i = tally.n - 1; i >= 0 && tally.cells[i].minute == minute; i--)
		if (strcmp(tally.cells[i].server, server) == 0)
			return &tally.cells[i];
	if (tally.n == MAX_CELLS)
		return NULL;
	c = &tally.cells[tally.n++];
	memset(c, 0, sizeof(Cell));
	c->minute = minute;
	strlcpy(c->server, server, sizeof(c->server));
	return c;
}

static int
bucket_of(int64 took_us)
{
	if (took_us < FIRST_BOUND_US)
		return 0;
	return Min(1 + (int) (3 * log2((double) took_us / FIRST_BOUND_US)), BUCKETS - 1);
}

/* A request is over.  took_us is negative when there was no answer. */
void
rcs_throughput_note(const char *server, RcsAnswerKind kind, int64 took_us)
{
	Cell *c = cell_of(server);

	if (c == NULL)
		return;
	c->kinds[kind]++;
	if (took_us >= 0)
		c->latency[bucket_of(took_us)]++;
}

/* ---------- writing ---------- */

static RcsStatement insert_cell =
	{"INSERT INTO rcs._throughput (minute, server, accepted, failed, throttled, latency)"
	 " VALUES ($1, $2, $3, $4, $5, $6)",
	 6,
	 {TIMESTAMPTZOID, TEXTOID, INT8OID, INT8OID, INT8OID, INT4ARRAYOID},
	 NULL};

static void
write_cells(void *arg)
{
	for (int i = 0; i < tally.n; i++)
	{
		const Cell *c = &tally.cells[i];
		Datum values[] = {TimestampTzGetDatum(c->minute),
						  CStringGetTextDatum(c->server),
						  Int64GetDatum(c->kinds[RCS_ANSWER_ACCEPTED]),
						  Int64GetDatum(c->kinds[RCS_ANSWER_FAILED]),
						  Int64GetDatum(c->kinds[RCS_ANSWER_THROTTLED]),
						  PointerGetDatum(rcs_int32_array(c->latency, BUCKETS))};

		rcs_execute(&insert_cell, values, NULL);
	}
}

static RcsStatement prune_cells =
	{"DELETE FROM rcs._throughput WHERE minute < now() - interval '7 days'", 0, {0}, NULL};

static void
prune(void *arg)
{
	rcs_execute(&prune_cells, NULL, NULL);
}

/* Called between turns.  "at_once": at the end of the worker. */
void
rcs_throughput_write(int64 now_us, bool at_once)
{
	if (tally.n == 0 || (now_us < tally.write_at_us && !at_once))
		return;
	tally.write_at_us = now_us + WRITE_EVERY;
	if (rcs_txn_run(write_cells, NULL))
		tally.n = 0;
	if (now_us >= tally.prune_at_us && !at_once)
	{
		tally.prune_at_us = now_us + PRUNE_EVERY;
		(void) rcs_txn_run(prune, NULL);
	}
}
