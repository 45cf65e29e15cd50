/*
 * holds.c
 *		A delivery worker and holds: it reads them, obeys them and makes some.
 *
 * What is in force is read in a turn, at once when the shared number says that
 * something has changed, and every second.  Between a change and that reading
 * nothing is offered.  It knows neither the queue nor HTTP.
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/monotonic.h"
#include "carrier/carrier.h"
#include "delivery/state.h"
#include "hold/hold_store.h"
#include "hold/identity.h"
#include "process/hold_shared.h"
#include "process/my_slot.h"
#include "process/txn.h"
#include "process/worker.h"

#define READ_EVERY SECOND
#define BEAT_EVERY (10 * SECOND)
#define FOREIGN_MAX 20 /* foreign duplicates in a row that hold an account */

static MemoryContext hold_cxt = NULL;
static List *holds = NIL;			/* of RcsHold, as read last */
static const RcsHold *whole = NULL; /* of them, one of the whole database */
static bool whole_by_worker = false;
static uint32 version_seen = 0;
static bool must_read = true;
static int64 read_at_us = 0;

/* What the transaction under way has found or made. */
static bool released = false;
static bool imposed = false;
static bool suspects_held = false;

static TimestampTz installed_at = DT_NOBEGIN;
static TimestampTz promoted_at = DT_NOBEGIN;
static List *suspects = NIL; /* of RcsAccount, to be held by the next turn */
static int64 beat_at_us = 0;
static uint64 beat_sent = 0;

/* ---------- reading ---------- */

static void
check_identity(void *arg)
{
	rcs_identity_check();
}

/* Before the first lease. */
void
rcs_holds_init(void)
{
	hold_cxt = AllocSetContextCreate(TopMemoryContext, "rcs holds", ALLOCSET_SMALL_SIZES);
	if (!rcs_txn_run(check_identity, NULL))
		rcs_worker_end(rcs_delivery.slot);
}

static void
read_holds(void)
{
	bool was_held = whole != NULL;
	ListCell *lc;

	version_seen = rcs_hold_version(); /* before the snapshot */
	MemoryContextReset(hold_cxt);
	holds = NIL;
	whole = NULL;
	whole_by_worker = false;
	must_read = true; /* if an error ends this */
	holds = rcs_hold_list(hold_cxt);
	foreach(lc, holds)
	{
		RcsHold *h = lfirst(lc);

		if (h->server != NULL)
			continue;
		if (whole == NULL)
			whole = h;
		whole_by_worker |= h->by_worker;
	}
	rcs_identity_read_times(&installed_at, &promoted_at);
	must_read = false;
	read_at_us = rcs_now_us();
	released |= was_held && whole == NULL;
}

/* Is a turn wanted to read them? */
bool
rcs_holds_wanted(int64 now_us, int64 *wait_us)
{
	if (must_read || suspects != NIL || version_seen != rcs_hold_version() ||
		now_us - read_at_us >= READ_EVERY)
		return true;
	*wait_us = Min(*wait_us, read_at_us + READ_EVERY - now_us);
	return false;
}

/* Messages older than this were loaded from elsewhere. */
TimestampTz
rcs_holds_installed_at(void)
{
	return installed_at;
}

/* ---------- obeying ---------- */

/* Nothing is to be taken or offered, for this reason; NULL: go on. */
const char *
rcs_holds_reason(void)
{
	static char reason[RCS_REASON_SIZE];

	if (rcs_hold_requested())
		return RCS_ON_HOLD "rcs_hold() waits for what is in flight";
	if (whole == NULL)
		return NULL;
	snprintf(reason, sizeof(reason), RCS_ON_HOLD "%s", whole->reason);
	return reason;
}

/* Is what we know about holds true at this moment?  Asked after rcs_holds_reason(). */
bool
rcs_holds_known(void)
{
	return !must_read && version_seen == rcs_hold_version();
}

/* Why nothing leaves through this account; NULL: it is not on hold. */
const char *
rcs_account_held(const RcsAccount *a)
{
	ListCell *lc;

	foreach(lc, holds)
	{
		RcsHold *h = lfirst(lc);

		if (h->server != NULL && strcmp(h->server, a->server) == 0)
			return h->reason;
	}
	return a->foreign >= FOREIGN_MAX ? "too many foreign duplicates" : NULL;
}

/* ---------- making ---------- */

/* In a turn: the whole database is on hold from now on. */
void
rcs_holds_impose(const char *reason)
{
	imposed = true;
	rcs_hold_by_worker(NULL, reason);
	read_holds();
}

/*
 * The carrier knows an id that was never offered from here: our history may be
 * incomplete.  After a failover it is, by a little.
 */
void
rcs_account_foreign_duplicate(RcsAccount *a, TimestampTz created_at)
{
	MemoryContext old;

	if (created_at < promoted_at)
		return;
	if (rcs_account_held(a) != NULL || ++a->foreign < FOREIGN_MAX)
		return;
	old = MemoryContextSwitchTo(TopMemoryContext);
	suspects = lappend(suspects, a);
	MemoryContextSwitchTo(old);
}

static void
hold_suspects(void)
{
	ListCell *lc;

	foreach(lc, suspects)
	{
		RcsAccount *a = lfirst(lc);

		rcs_hold_by_worker(
			a->server,
			"the carrier knew 20 messages in a row that were never offered from here, so this database may be an old copy");
	}
}

/* ---------- the turn ---------- */

/* Said while sending, and at the end, so that the next start sees no gap. */
static void
beat(bool at_once)
{
	uint64 sent = pg_atomic_read_u64(&rcs_delivery.slot->accepted) +
				  pg_atomic_read_u64(&rcs_delivery.slot->failed);
	int64 now_us = rcs_now_us();

	if (rcs_delivery.slot->index != 0 || whole_by_worker ||
		(!at_once && now_us - beat_at_us < BEAT_EVERY))
		return;
	rcs_identity_beat(at_once || sent != beat_sent);
	beat_at_us = now_us;
	beat_sent = sent;
}

/* First in its transaction.  True: this turn takes nothing. */
bool
rcs_holds_turn(bool at_once)
{
	int64 unused;

	if (suspects != NIL)
	{
		hold_suspects();
		imposed = suspects_held = true;
	}
	if (imposed || rcs_holds_wanted(rcs_now_us(), &unused))
		read_holds();
	beat(at_once);
	return released || rcs_holds_reason() != NULL;
}

/* True: a hold of the whole database has ended. */
bool
rcs_holds_committed(void)
{
	bool ended = released;
	ListCell *lc;

	released = imposed = false;
	if (suspects_held)
	{
		foreach(lc, suspects)
			((RcsAccount *) lfirst(lc))->foreign = 0;
		list_free(suspects);
		suspects = NIL;
	}
	suspects_held = false;
	return ended;
}

void
rcs_holds_rolled_back(void)
{
	must_read |= imposed;
	imposed = suspects_held = false;
}
