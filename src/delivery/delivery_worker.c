/*
 * delivery_worker.c
 *		The loop of a delivery worker, one process for a lane of a database.
 *
 * A turn writes down, in one transaction, what has been decided and the intents
 * of what goes next; between turns no transaction, snapshot or table lock is
 * held.  Then requests leave (offer.c), and their answers are turned
 * into fates.  It knows no SQL and nothing of curl.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/evloop.h"
#include "base/fault_point.h"
#include "base/monotonic.h"
#include "carrier/throughput.h"
#include "delivery/ad_window.h"
#include "delivery/campaign_lane.h"
#include "delivery/clock.h"
#include "delivery/consent.h"
#include "delivery/delivery_worker.h"
#include "delivery/failing.h"
#include "delivery/fate.h"
#include "delivery/known_campaigns.h"
#include "delivery/offer.h"
#include "delivery/purge.h"
#include "delivery/record.h"
#include "delivery/single_lane.h"
#include "delivery/slot_status.h"
#include "delivery/state.h"
#include "delivery/stop.h"
#include "delivery/sweep.h"
#include "media/uploader.h"
#include "process/guc.h"
#include "process/hold_shared.h"
#include "process/my_slot.h"
#include "process/txn.h"
#include "process/wakeup.h"
#include "process/worker.h"
#include "report/poll.h"

#define RESULTS_MAX 500 /* results that do not wait for company */
#define RESULTS_WAIT_CAMPAIGN (SECOND / 5)
#define RESULTS_WAIT_SINGLE (SECOND / 50)
#define RETRY_TURN SECOND	 /* after a transaction that failed */
#define LAST_TRIES 3		 /* to write results down before the worker ends */
#define ASIDE (SECOND / 100) /* as long as this at a time, while single messages keep coming */
#define ASIDE_LOOK 300
#define UNWRITTEN_MAX \
	2000 /* results in memory while no transaction succeeds: nothing is taken beyond that */

static struct
{
	int64 turn_us;
	int64 aside_us;
} not_before;

/* ---------- the turn ---------- */

static void
lane_turn(void)
{
	if (rcs_delivery.lane == RCS_WORKER_SINGLE)
		rcs_single_lane_turn();
	else
		rcs_campaign_lane_turn();
}

static void
lane_rolled_back(void)
{
	if (rcs_delivery.lane == RCS_WORKER_SINGLE)
		rcs_single_lane_rolled_back();
	else
		rcs_campaign_lane_rolled_back();
}

static bool
lane_wanted(int64 now_us, int64 *wait_us)
{
	if (rcs_delivery.lane == RCS_WORKER_SINGLE)
		return rcs_single_lane_wanted(now_us, wait_us);
	return rcs_campaign_lane_wanted(now_us, wait_us);
}

/* What commits of others have changed without a wake-up is looked for at once. */
static void
lane_look_anew(void)
{
	if (rcs_delivery.lane == RCS_WORKER_SINGLE)
		rcs_single_lane_look_anew();
	else
		rcs_known_campaigns_look_soon();
}

/* True: something is there to be sent, or on its way, so what decides about sending must be fresh. */
static bool
look(void)
{
	bool may_look = rcs_holds_reason() == NULL && !rcs_delivery.draining;
	bool found;

	if (rcs_delivery.lane == RCS_WORKER_SINGLE)
		found = may_look && rcs_delivery.ndone <= UNWRITTEN_MAX && rcs_single_lane_look();
	else
		found = may_look && rcs_known_campaigns_turn();
	return found || rcs_delivery.nready + rcs_delivery.nflying + rcs_delivery.ndone > 0;
}

static void
turn_body(void *arg)
{
	bool busy = look(); /* before the holds are read, so that they are the fresher ones */
	bool held = rcs_holds_turn(busy, rcs_delivery.draining);
	bool give_back = held || rcs_delivery.draining;

	rcs_carrier_follow();
	rcs_codes_turn(busy);
	rcs_ad_window_turn();
	rcs_consent_turn();
	rcs_record_turn();
	rcs_stop_turn(give_back);
	if (!give_back && rcs_swept() && rcs_delivery.ndone <= UNWRITTEN_MAX)
		lane_turn();
	rcs_record_turn_end();
}

static void
turn_committed(int64 now_us)
{
	if (rcs_state_committed(now_us))
		rcs_slot_status_recorded();
	RCS_FAULT("after-result");
	if (rcs_delivery.nready > 0)
		RCS_FAULT("after-intent");
	if (!rcs_txn_replicated())
		rcs_fate_withdraw_all("unreplicated", "no synchronous standby has confirmed its intent",
							  1000);
	if (rcs_holds_committed())
	{
		rcs_sweep_anew();
		lane_look_anew();
	}
}

static void
turn_rolled_back(void)
{
	rcs_state_rolled_back();
	rcs_ad_window_rolled_back();
	rcs_holds_rolled_back();
	lane_rolled_back();
}

/*
 * A failed transaction changes nothing in memory: the generation, and with it
 * the leases, stay ours, and the same is written again a second later.
 */
static void
turn(int64 now_us)
{
	rcs_delivery.failed = !rcs_txn_run(turn_body, NULL);
	if (!rcs_delivery.failed)
	{
		turn_committed(now_us);
		return;
	}
	turn_rolled_back();
	not_before.turn_us = rcs_now_us() + RETRY_TURN; /* it may have waited for a lock */
}

static bool
results_are_due(int64 now_us, int64 *wait_us)
{
	int64 limit =
		rcs_delivery.lane == RCS_WORKER_SINGLE ? RESULTS_WAIT_SINGLE : RESULTS_WAIT_CAMPAIGN;
	int64 age = now_us - rcs_delivery.done_since_us;

	if (rcs_delivery.ndone == 0)
		return false;
	if (age >= limit || rcs_delivery.ndone - rcs_delivery.nstuck >= RESULTS_MAX ||
		(rcs_delivery.ndone > rcs_delivery.nstuck && rcs_delivery.nflying == 0 &&
		 rcs_delivery.nready == 0))
		return true;
	*wait_us = Min(*wait_us, limit - age);
	return false;
}

static bool
turn_is_wanted(int64 now_us, int64 *wait_us)
{
	if (now_us < not_before.turn_us)
	{
		*wait_us = Min(*wait_us, not_before.turn_us - now_us);
		return false;
	}
	if (results_are_due(now_us, wait_us) || rcs_holds_wanted(now_us, wait_us) ||
		rcs_ad_window_wanted())
		return true;
	if (rcs_holds_reason() != NULL)
		return false;
	if (rcs_delivery.draining || rcs_delivery.ndone > UNWRITTEN_MAX || !rcs_swept())
		return false;
	return lane_wanted(now_us, wait_us);
}

/* ---------- answers ---------- */

/* The request is over and its fate decided: what its account adds to rcs.throughput. */
static void
note_answer(const RcsItem *item, const RcsAnswer *answer)
{
	const RcsHttpRequest *r = &item->request;
	RcsAnswerKind kind = item->fate.outcome == RCS_ACCEPTED	  ? RCS_ANSWER_ACCEPTED
						 : item->fate.outcome == RCS_FAILED	  ? RCS_ANSWER_FAILED
						 : answer->verdict == RCS_V_THROTTLED ? RCS_ANSWER_THROTTLED
															  : RCS_ANSWER_OTHER;

	rcs_throughput_note(item->account->server, kind,
						answer->answered ? r->done_us - r->started_us : -1);
}

static void
take_answer(RcsItem *item)
{
	RcsHttpRequest *r = &item->request;
	RcsAnswer answer;

	RCS_FAULT("after-answer");
	rcs_account_release(item->shared);
	rcs_answer_classify(item->account, r, &answer);
	rcs_http_release(r);
	rcs_fate_of_answer(item, &answer);
	note_answer(item, &answer);
	rcs_failing_note(item);
	rcs_item_done(item);
}

static void
take_answers(void)
{
	RcsHttpRequest *r;

	rcs_http_run();
	if (rcs_http_active() > 0)
		RCS_FAULT("after-write");
	while ((r = rcs_http_next_done()) != NULL)
		if (r->owner != NULL)
			take_answer(r->owner);
		else if (!rcs_carrier_token_done(r) && !rcs_media_request_done(r))
			rcs_poll_request_done(r);
}

/* ---------- the end ---------- */

/* The time to drain is over: the outcome of each open request is unknown. */
static void
abort_flying(void)
{
	dlist_iter iter;

	dlist_foreach(iter, &rcs_delivery.leases)
	{
		RcsLease *lease = dlist_container(RcsLease, node, iter.cur);

		for (int i = 0; i < lease->nitems; i++)
			if (lease->items[i].state == RCS_ITEM_FLYING)
			{
				rcs_http_abort(&lease->items[i].request);
				take_answer(&lease->items[i]);
			}
	}
}

static void
begin_drain(void)
{
	rcs_delivery.draining = true;
	rcs_slot_set_state(rcs_delivery.slot, "draining");
	rcs_fate_withdraw_all("shutdown", "the worker was stopped", 0);
}

/* No request leaves any more; answers are awaited and written down, other messages are handed back. */
static void
drain(void)
{
	int64 end_us = rcs_now_us() + rcs_worker_drain_ms() * (SECOND / 1000);

	begin_drain();
	turn(rcs_now_us());
	while (rcs_delivery.nflying > 0 && rcs_now_us() < end_us)
	{
		long wait_ms = (long) ((end_us - rcs_now_us()) / 1000) + 1;
		long curl_ms = rcs_http_timeout_ms();

		rcs_evloop_wait(curl_ms >= 0 ? Min(wait_ms, curl_ms) : wait_ms);
		take_answers();
	}
	abort_flying();
	for (int i = 0; i < LAST_TRIES && (i == 0 || rcs_delivery.ndone > 0); i++)
		turn(rcs_now_us());
	rcs_codes_write(rcs_now_us(), true);
	rcs_throughput_write(rcs_now_us(), true);
}

/* ---------- the loop ---------- */

static void
wait_for_something(int64 wait_us)
{
	long curl_ms = rcs_http_timeout_ms();
	long wait_ms = (long) ((wait_us + 999) / 1000);

	if (curl_ms >= 0)
		wait_ms = Min(wait_ms, curl_ms);
	rcs_evloop_wait(Max(wait_ms, 0));
}

/*
 * The cores may be few, and the carrier's queue is one: campaigns stand still while a single
 * message is on its way, for at most half of the time, however many there are.
 */
static void
step_aside(void)
{
	int64 began_us = rcs_now_us();
	int64 now_us = began_us;

	if (began_us < not_before.aside_us)
		return;
	while (rcs_single_hurries(now_us) && now_us < began_us + ASIDE)
	{
		pg_usleep(ASIDE_LOOK);
		now_us = rcs_now_us();
	}
	not_before.aside_us = now_us + (now_us - began_us);
}

static void
one_round(void)
{
	int64 now_us = rcs_now_us();
	int64 wait_us = SECOND;
	uint32 number = rcs_hold_number();

	if (rcs_clock_look(now_us))
		lane_look_anew();
	if (!rcs_holds_filled())
	{
		rcs_sweep_when_due(now_us);
		rcs_count_when_due(now_us);
		rcs_purge_when_due(now_us);
	}
	rcs_carrier_checks();
	rcs_codes_write(now_us, false);
	rcs_throughput_write(now_us, false);
	if (turn_is_wanted(now_us, &wait_us))
	{
		turn(now_us);
		wait_us = 0;
	}
	rcs_offer_ready(rcs_now_us(), &wait_us);
	if (rcs_delivery.lane == RCS_WORKER_SINGLE && rcs_delivery.nready == 0)
		rcs_singles_have_left();
	rcs_media_round(rcs_now_us(), &wait_us);
	rcs_poll_round(rcs_now_us(), &wait_us);
	rcs_slot_status_show(number);
	wait_for_something(wait_us);
	take_answers();
}

/*
 * What every transaction of the worker relies on.  An intent must be on disk
 * before its bytes leave, whatever the database's default is; the carrier
 * speaks UTF-8, whatever this database does.
 */
static void
pin_settings(void *arg)
{
	SetConfigOption("client_encoding", "UTF8", PGC_USERSET, PGC_S_OVERRIDE);
	if (synchronous_commit == SYNCHRONOUS_COMMIT_OFF)
		SetConfigOption("synchronous_commit", "on", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("plan_cache_mode", "force_generic_plan", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("enable_seqscan", "off", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("enable_hashjoin", "off", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("enable_mergejoin", "off", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("jit", "off", PGC_USERSET, PGC_S_OVERRIDE);
}

/* The first single worker of a database uploads images and asks for reports; gives the connections it needs. */
static int
begin_side_jobs(void)
{
	if (rcs_delivery.lane != RCS_WORKER_SINGLE || rcs_delivery.slot->index != 0)
		return 0;
	return rcs_media_begin() + rcs_poll_begin();
}

void
rcs_delivery_main(Datum main_arg)
{
	rcs_state_init(rcs_worker_begin(main_arg));
	if (!rcs_txn_run(pin_settings, NULL))
		rcs_worker_end(rcs_delivery.slot);
	rcs_evloop_init();
	rcs_http_init();
	rcs_carrier_init();
	rcs_holds_init();
	rcs_http_set_max_connections(rcs_max_in_flight + begin_side_jobs());

	while (!rcs_worker_stopping(rcs_delivery.slot))
	{
		rcs_worker_loop_housekeeping();
		if (rcs_delivery.lane == RCS_WORKER_CAMPAIGN)
			step_aside();
		one_round();
	}
	drain();
	rcs_http_shutdown();
	rcs_worker_end(rcs_delivery.slot);
}
