/*
 * answer.c
 *		What an answer of the carrier means to this worker.
 *
 * response.c judges an answer.  This file gives it the operator's changes to the
 * codes, and notes two things of each answer: a code that is in no table, and the
 * carrier's clock.  It must not know what becomes of a message.
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/monotonic.h"
#include "carrier/carrier.h"
#include "carrier/result_code.h"
#include "process/txn.h"

#define READ_EVERY (SECOND / 2)
#define READ_IDLE (30 * SECOND)
#define WRITE_EVERY (10 * SECOND)
#define MAX_UNKNOWN 16 /* codes that wait to be written down */
#define MAX_TRIES 30
#define CLOCK_EVERY (10 * SECOND)
#define LONGEST_RETRY_AFTER_S 30

typedef struct Unknown
{
	RcsUnknownCode row;
	int tries;
	bool written; /* by the transaction under way */
} Unknown;

/* The operator's changes to the codes, as read last. */
static struct
{
	MemoryContext cxt;
	RcsCodes codes;
	int64 read_at_us;
} own;

/* Codes that are in no table and not yet written down. */
static struct
{
	Unknown list[MAX_UNKNOWN];
	int n;
	int64 write_at_us;
} unknown;

/* ---------- the operator's codes ---------- */

const RcsCodes *
rcs_codes(void)
{
	return &own.codes;
}

/* Called early in a turn, before any offer. */
void
rcs_codes_turn(bool busy)
{
	MemoryContext cxt;
	RcsCodes codes;

	if (own.cxt != NULL && rcs_now_us() - own.read_at_us < (busy ? READ_EVERY : READ_IDLE))
		return;
	cxt = AllocSetContextCreate(CurrentMemoryContext, "rcs codes", ALLOCSET_SMALL_SIZES);
	rcs_result_codes(cxt, &codes);
	MemoryContextSetParent(cxt, TopMemoryContext);
	if (own.cxt != NULL)
		MemoryContextDelete(own.cxt);
	own.cxt = cxt;
	own.codes = codes;
	own.read_at_us = rcs_now_us();
}

/* ---------- codes that nobody knows ---------- */

static Unknown *
find_unknown(const char *code)
{
	for (int i = 0; i < unknown.n; i++)
		if (strcmp(unknown.list[i].row.code, code) == 0)
			return &unknown.list[i];
	return NULL;
}

/* A code beyond the limit is not counted here; rcs.result has it anyway. */
static Unknown *
add_unknown(const char *code)
{
	Unknown *u;

	if (unknown.n == MAX_UNKNOWN)
		return NULL;
	u = &unknown.list[unknown.n++];
	memset(u, 0, sizeof(Unknown));
	strlcpy(u->row.code, code, sizeof(u->row.code));
	u->row.first_at = GetCurrentTimestamp();
	return u;
}

/* Counts the code of an answer if it is in no table. */
void
rcs_answer_note_code(const RcsAccount *a, int http_status, const RcsAnswer *answer)
{
	Unknown *u;

	if (!answer->unknown_code)
		return;
	u = find_unknown(answer->code);
	if (u == NULL && (u = add_unknown(answer->code)) == NULL)
		return;
	u->row.n++;
	u->row.last_at = GetCurrentTimestamp();
	u->row.http_status = http_status;
	strlcpy(u->row.server, a->server, sizeof(u->row.server));
	strlcpy(u->row.reason, answer->reason, sizeof(u->row.reason));
}

static void
write_unknown(void *arg)
{
	for (int i = 0; i < unknown.n; i++)
		unknown.list[i].written = rcs_result_code_unknown(&unknown.list[i].row);
}

static void
forget_written(void)
{
	int kept = 0;

	for (int i = 0; i < unknown.n; i++)
		if (!unknown.list[i].written && ++unknown.list[i].tries < MAX_TRIES)
			unknown.list[kept++] = unknown.list[i];
	unknown.n = kept;
}

/* Runs in a separate transaction, so that a failure here does not keep results from being written. */
void
rcs_codes_write(int64 now_us, bool at_once)
{
	if (unknown.n == 0 || (now_us < unknown.write_at_us && !at_once))
		return;
	unknown.write_at_us = now_us + WRITE_EVERY;
	if (rcs_txn_run(write_unknown, NULL))
		forget_written();
}

/* ---------- the carrier's clock ---------- */

/*
 * The carrier wrote its date, in whole seconds, between the start and the end of the
 * request.  A date outside of these two moments shows a difference of the clocks.
 */
void
rcs_answer_note_clock(RcsAccount *a, const RcsHttpRequest *r)
{
	int64 most = r->done_us - r->date_us;
	int64 least = r->started_us - (r->date_us + SECOND);

	if (r->outcome != RCS_HTTP_ANSWER || r->date_us == 0 || a->shared < 0 ||
		(a->clock_at_us != 0 && rcs_now_us() - a->clock_at_us < CLOCK_EVERY))
		return;
	a->clock_at_us = rcs_now_us();
	rcs_account_clock(a->shared, least > 0 ? least : Min(most, 0));
}

/* ---------- an answer ---------- */

/* The verdict on a request that is over, or that could not be started. */
void
rcs_answer_classify(RcsAccount *a, const RcsHttpRequest *r, RcsAnswer *answer)
{
	rcs_kt_classify(&own.codes, r, answer);
	if (answer->verdict == RCS_V_THROTTLED)
		answer->retry_after_ms = Min(r->retry_after_s, LONGEST_RETRY_AFTER_S) * 1000;
	rcs_answer_note_code(a, r->status, answer);
	rcs_answer_note_clock(a, r);
}
