/*
 * holds.c
 *		The holds that a delivery worker obeys, and the holds that it makes.
 *
 * The holds in force are read in a turn: at once when the shared number says that
 * something has changed, every second while there is something to send, else seldom.
 * Nothing is offered between a change and that reading.  This file must not know the
 * queue, nor HTTP.
 */
#include "postgres.h"

#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/monotonic.h"
#include "carrier/carrier.h"
#include "hold/contents.h"
#include "hold/hold_store.h"
#include "hold/identity.h"
#include "process/hold_shared.h"
#include "process/my_slot.h"
#include "process/txn.h"

#define TURN_EVERY SECOND /* a turn takes notice of the catalog, too */
#define READ_EVERY SECOND
#define READ_IDLE (60 * SECOND)
#define BEAT_EVERY (10 * SECOND)
#define BEAT_IDLE (60 * SECOND)

/* The holds in force, as read last. */
static struct
{
	MemoryContext cxt;
	List *list;			  /* of RcsHold */
	const RcsHold *whole; /* of them, one of the whole database */
	bool whole_by_worker;
	uint32 version;
	bool must_read;
	int64 read_at_us;
	int64 turn_at_us;
	RcsIdentityTimes times;
	bool filled; /* by a subscription */
} known = {.must_read = true, .times = {DT_NOBEGIN, DT_NOBEGIN, DT_NOBEGIN}};

/* What the transaction under way has found or made. */
static struct
{
	bool released; /* the database is not on hold any more */
	bool imposed;
} turn;

static bool subscriptions_changed = false;

/* The last sign of life in rcs.installation. */
static struct
{
	int64 at_us;
	uint64 sent;
} last_beat;

/* ---------- reading ---------- */

static void
check_identity(void *arg)
{
	rcs_identity_check();
}

static void
note_subscription(Datum arg, int cacheid, uint32 hashvalue)
{
	subscriptions_changed = true;
}

/* Called before the first lease. */
void
rcs_holds_init(void)
{
	CacheRegisterSyscacheCallback(SUBSCRIPTIONRELMAP, note_subscription, (Datum) 0);
	known.cxt = AllocSetContextCreate(TopMemoryContext, "rcs holds", ALLOCSET_SMALL_SIZES);
	if (!rcs_txn_run(check_identity, NULL))
		rcs_worker_end(rcs_my_slot());
}

static void
read_holds(void)
{
	bool was_held = known.whole != NULL;
	ListCell *lc;

	known.version = rcs_hold_version(); /* before the snapshot */
	subscriptions_changed = false;
	MemoryContextReset(known.cxt);
	known.list = NIL;
	known.whole = NULL;
	known.whole_by_worker = false;
	known.must_read = true; /* if an error ends this */
	known.list = rcs_hold_list(known.cxt);
	foreach(lc, known.list)
	{
		RcsHold *h = lfirst(lc);

		if (h->server != NULL)
			continue;
		if (known.whole == NULL)
			known.whole = h;
		known.whole_by_worker |= h->by_worker;
	}
	rcs_identity_read_times(&known.times);
	known.must_read = false;
	known.read_at_us = rcs_now_us();
	turn.released |= was_held && known.whole == NULL;
}

/* A turn reads them only if this is true: they cost a few statements. */
static bool
must_read(bool busy)
{
	return known.must_read || subscriptions_changed || known.version != rcs_hold_version() ||
		   rcs_now_us() - known.read_at_us >= (busy ? READ_EVERY : READ_IDLE);
}

/* True: a turn is wanted, to read the holds. */
bool
rcs_holds_wanted(int64 now_us, int64 *wait_us)
{
	if (known.must_read || known.version != rcs_hold_version() ||
		now_us - known.turn_at_us >= TURN_EVERY)
		return true;
	*wait_us = Min(*wait_us, known.turn_at_us + TURN_EVERY - now_us);
	return false;
}

const RcsIdentityTimes *
rcs_holds_times(void)
{
	return &known.times;
}

/* ---------- obeying ---------- */

/* The reason why nothing may be taken or offered now; NULL: the database is not on hold. */
const char *
rcs_holds_reason(void)
{
	static char reason[RCS_REASON_SIZE];

	if (rcs_hold_requested())
		return RCS_ON_HOLD "rcs_hold() waits for what is in flight";
	if (known.whole == NULL)
		return NULL;
	snprintf(reason, sizeof(reason), RCS_ON_HOLD "%s", known.whole->reason);
	return reason;
}

/* False: something has changed since they were read.  Asked after rcs_holds_reason(). */
bool
rcs_holds_known(void)
{
	return !known.must_read && known.version == rcs_hold_version();
}

void
rcs_holds_read_anew(void)
{
	known.must_read = true;
}

/* The reason why nothing leaves through this account; NULL: it is not on hold. */
const char *
rcs_account_held(const RcsAccount *a)
{
	ListCell *lc;

	foreach(lc, known.list)
	{
		RcsHold *h = lfirst(lc);

		if (h->server != NULL && strcmp(h->server, a->server) == 0)
			return h->reason;
	}
	return NULL;
}

/* Another server writes these tables, so this one leaves them alone. */
bool
rcs_holds_filled(void)
{
	return known.filled;
}

/* ---------- making ---------- */

/* In a turn: the whole database is on hold from now on. */
void
rcs_holds_impose(const char *reason)
{
	turn.imposed = true;
	rcs_hold_by_worker(reason);
	read_holds();
}

/* In a turn: were the rows that have been read written here?  If not, the database is on hold from now on. */
void
rcs_holds_judge_contents(void)
{
	char *why = rcs_contents_foreign(known.times.installed_at, &known.filled);

	if (why != NULL && !known.whole_by_worker)
		rcs_holds_impose(why);
}

/* ---------- the turn ---------- */

/* Written while sending, and at the end, so that the next start sees no gap. */
static void
beat(bool at_once)
{
	RcsSlot *slot = rcs_my_slot();
	uint64 sent = pg_atomic_read_u64(&slot->accepted) + pg_atomic_read_u64(&slot->failed);
	int64 now_us = rcs_now_us();

	if (slot->index != 0 || known.whole_by_worker ||
		(!at_once && now_us - last_beat.at_us < (sent != last_beat.sent ? BEAT_EVERY : BEAT_IDLE)))
		return;
	rcs_identity_beat(at_once || sent != last_beat.sent);
	last_beat.at_us = now_us;
	last_beat.sent = sent;
}

/*
 * Called first in a turn.  True: this turn must take nothing.  Busy: something is to be
 * sent, or is on its way.
 */
bool
rcs_holds_turn(bool busy, bool at_once)
{
	known.turn_at_us = rcs_now_us();
	if (turn.imposed || must_read(busy))
	{
		read_holds();
		rcs_holds_judge_contents();
	}
	beat(at_once);
	return turn.released || rcs_holds_reason() != NULL;
}

/* True: a hold of the whole database has ended. */
bool
rcs_holds_committed(void)
{
	bool ended = turn.released;

	turn.released = turn.imposed = false;
	return ended;
}

void
rcs_holds_rolled_back(void)
{
	known.must_read |= turn.imposed;
	turn.imposed = false;
}
