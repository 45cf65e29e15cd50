/*
 * fate.c
 *		What becomes of a message after an offer: the policy of retries.
 *
 * Unknown is neither failure nor success: such a message is offered again
 * under the same id through the same account, or held.  Faults of the account
 * cost a message none of its attempts.  It knows no SQL and no HTTP; the
 * account's breaker and rate are told here what an answer means for them.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "delivery/ad_window.h"
#include "delivery/brake.h"
#include "delivery/fate.h"
#include "process/guc.h"
#include "queue/doubt.h"

#define FIRST_BACKOFF_MS 1000
#define LONGEST_BACKOFF_MS 300000
#define LONGEST_TOO_FAST_MS 5000 /* of a single message */

static long
doubled(long first_ms, int times)
{
	long ms = first_ms;

	while (times-- > 0 && ms < LONGEST_BACKOFF_MS)
		ms *= 2;
	return Min(ms, LONGEST_BACKOFF_MS);
}

static void
set_fate(RcsItem *item, char outcome, const char *code, const char *reason)
{
	RcsFate *f = &item->fate;

	memset(f, 0, sizeof(*f));
	f->outcome = outcome;
	f->at = GetCurrentTimestamp();
	strlcpy(f->code, code, sizeof(f->code));
	strlcpy(f->reason, reason, sizeof(f->reason));
}

static void
again(RcsItem *item, long delay_ms)
{
	item->fate.again = true;
	item->fate.delay_ms = delay_ms;
}

/* A single message that waits for its account does not lose its place in the queue. */
static void
keep_place(RcsItem *item)
{
	if (item->lease->campaign == NULL)
		item->fate.due_at = item->row->batch.due_at;
}

/* Has an earlier offer of this message an unknown outcome? */
static bool
in_doubt(const RcsItem *item)
{
	return item->row->batch.unknown_since != 0;
}

/* Does an unknown outcome hold this message, rather than offer it again? */
static bool
holds(const RcsItem *item)
{
	char own = item->lease->campaign == NULL ? 0 : item->lease->campaign->row.in_doubt;

	return rcs_doubt_holds(own);
}

/* A definite refusal for the moment that counts as an answer about the message. */
static void
refused(RcsItem *item, const RcsAnswer *answer)
{
	int answers = item->row->batch.answers + 1;

	if (answers >= rcs_max_attempts)
	{
		set_fate(item, in_doubt(item) ? RCS_UNCERTAIN : RCS_FAILED, answer->code, answer->reason);
		return;
	}
	set_fate(item, RCS_REFUSED, answer->code, answer->reason);
	item->fate.answer = true;
	again(item, Max(answer->retry_after_ms, doubled(FIRST_BACKOFF_MS, answers - 1)));
}

/* A worker that is stopping cuts its own requests, so these are no fault of the account. */
static void
faulted(const RcsItem *item, bool hard, const char *reason)
{
	if (!rcs_delivery.draining)
		rcs_account_faulted(item->shared, item->started_us, hard, reason);
}

/* The carrier's text alone seldom tells what is wrong with an account: its code goes along. */
static void
account_refused(RcsItem *item, const RcsAnswer *answer)
{
	char reason[RCS_ACCOUNT_REASON];

	snprintf(reason, sizeof(reason), "refused: %s %s", answer->code, answer->reason);
	faulted(item, true, reason);
	set_fate(item, RCS_REFUSED, answer->code, reason);
	again(item, FIRST_BACKOFF_MS);
	keep_place(item);
}

static void
unknown(RcsItem *item, const RcsAnswer *answer)
{
	const RcsBatchRow *b = &item->row->batch;
	long delay_ms = doubled(rcs_settle, b->attempt - 1);
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz since = b->unknown_since != 0 ? b->unknown_since : now;
	int answers = b->answers + (answer->answered ? 1 : 0);

	delay_ms = Max(Min(delay_ms, Max(60000, rcs_settle)), answer->retry_after_ms);
	if (holds(item))
		set_fate(item, RCS_UNCERTAIN, answer->code, answer->reason);
	else if (answers >= rcs_max_attempts)
		set_fate(item, RCS_UNCERTAIN, answer->code, answer->reason);
	else if (rcs_doubt_too_old(since, TimestampTzPlusMilliseconds(now, delay_ms)))
		set_fate(item, RCS_UNCERTAIN, answer->code, "unknown for longer than rcs.duplicate_window");
	else
	{
		set_fate(item, RCS_UNKNOWN, answer->code, answer->reason);
		item->fate.answer = answer->answered;
		item->fate.in_doubt = true;
		again(item, delay_ms);
	}
	faulted(item, false, answer->reason);
}

/* The carrier has accepted it before.  It was our offer only if an earlier one is in doubt. */
static void
duplicate(RcsItem *item, const RcsAnswer *answer)
{
	if (in_doubt(item))
		set_fate(item, RCS_ACCEPTED, answer->code, "the carrier had accepted it before");
	else
	{
		set_fate(item, RCS_UNCERTAIN, "foreign_duplicate",
				 "the carrier knows this id, but not from an offer on record here");
		rcs_brake_foreign(item);
	}
}

/* Single messages are few: they ask soon, and nobody waits as long as the carrier wants of campaigns. */
static long
after_too_fast(const RcsItem *item, const RcsAnswer *answer)
{
	if (item->lease->campaign == NULL)
		return Min(doubled(FIRST_BACKOFF_MS / 2, item->row->batch.attempt - 1),
				   LONGEST_TOO_FAST_MS);
	return Max(answer->retry_after_ms, FIRST_BACKOFF_MS);
}

void
rcs_fate_of_answer(RcsItem *item, const RcsAnswer *answer)
{
	int account = item->shared;

	switch (answer->verdict)
	{
		case RCS_V_ACCEPTED:
			set_fate(item, RCS_ACCEPTED, "", "");
			rcs_brake_accepted(item);
			break;
		case RCS_V_DUPLICATE:
			duplicate(item, answer);
			break;
		case RCS_V_FAILED:
			set_fate(item, RCS_FAILED, answer->code, answer->reason);
			break;
		case RCS_V_RETRY:
			refused(item, answer);
			break;
		case RCS_V_THROTTLED:
			rcs_account_answered(account);
			rcs_account_throttled(account, item->started_us, answer->retry_after_ms * 1000);
			set_fate(item, RCS_REFUSED, answer->code, answer->reason);
			again(item, after_too_fast(item, answer));
			rcs_token_unproven(item->account);
			return;
		case RCS_V_TOKEN:
			rcs_account_probe_over(account);
			rcs_token_refused(item->account, item->token_serial, answer->reason);
			set_fate(item, RCS_REFUSED, answer->code, answer->reason);
			again(item, 0);
			return;
		case RCS_V_ACCOUNT:
			account_refused(item, answer);
			rcs_token_unproven(item->account);
			return;
		case RCS_V_NOT_SENT:
			faulted(item, false, answer->reason);
			set_fate(item, RCS_WITHDRAWN, answer->code, answer->reason);
			again(item, FIRST_BACKOFF_MS);
			rcs_token_unproven(item->account);
			return;
		case RCS_V_UNKNOWN:
			unknown(item, answer);
			rcs_token_unproven(item->account);
			return;
	}
	rcs_account_answered(account);
	rcs_account_passed(account, item->started_us, answer->verdict == RCS_V_ACCEPTED);
	rcs_token_worked(item->account, item->token_serial);
}

/* Advertising to a person who has refused it, or has had enough of it today. */
static void
suppressed(RcsItem *item)
{
	bool cap = item->unwanted == RCS_OVER_CAP;

	set_fate(item, in_doubt(item) ? RCS_UNCERTAIN : RCS_SUPPRESSED, cap ? "ad_cap" : "optout",
			 cap ? "the recipient has had as much advertising today as rcs.ad_daily_cap allows"
				 : "the recipient has refused advertising");
}

/* Advertising outside the ad hours waits for them, and that costs no attempt. */
static bool
outside_ad_hours(RcsItem *item, TimestampTz now)
{
	char reason[RCS_REASON_SIZE];
	TimestampTz due_at;

	if (rcs_ad_window_allows(item, now, &due_at, reason, sizeof(reason)))
		return false;
	set_fate(item, item->state == RCS_ITEM_READY ? RCS_WITHDRAWN : 0, "ad_hours", reason);
	item->fate.again = true;
	item->fate.due_at = due_at;
	return true;
}

bool
rcs_fate_before_offer(RcsItem *item, TimestampTz now)
{
	const RcsBatchRow *b = &item->row->batch;
	TimestampTz expires = item->message->expires_at;

	if (item->lease->campaign != NULL && item->lease->campaign->row.expires_at != 0)
		expires = item->lease->campaign->row.expires_at;
	if (item->message->phone == NULL)
		set_fate(item, in_doubt(item) ? RCS_UNCERTAIN : RCS_CANCELED, "erased",
				 "the recipient was erased");
	else if (item->lease->campaign != NULL && item->lease->campaign->row.canceled)
		set_fate(item, in_doubt(item) ? RCS_UNCERTAIN : RCS_CANCELED, "",
				 in_doubt(item) ? "campaign was canceled while an earlier offer was in doubt"
								: "campaign was canceled");
	else if (expires != 0 && expires <= now)
		set_fate(item, in_doubt(item) ? RCS_UNCERTAIN : RCS_EXPIRED, "expired",
				 in_doubt(item) ? "expired while an earlier offer was in doubt"
								: "not offered before expires_at");
	else if (in_doubt(item) && rcs_doubt_too_old(b->unknown_since, now))
		set_fate(item, RCS_UNCERTAIN, "unknown", "unknown for longer than rcs.duplicate_window");
	else if (item->unwanted != RCS_WANTED)
		suppressed(item);
	else
		return !outside_ad_hours(item, now);
	return false;
}

bool
rcs_fate_in_doubt(const RcsItem *item)
{
	return in_doubt(item);
}

void
rcs_fate_reported(RcsItem *item)
{
	set_fate(item, RCS_ACCEPTED, "", "the carrier has reported about it");
}

void
rcs_fate_cannot(RcsItem *item, const char *missing)
{
	char reason[128];

	snprintf(reason, sizeof(reason), "cannot be rendered: %s is missing", missing);
	set_fate(item, RCS_FAILED, "render", reason);
}

void
rcs_fate_no_image(RcsItem *item, const char *reason)
{
	set_fate(item, in_doubt(item) ? RCS_UNCERTAIN : RCS_FAILED, "media", reason);
}

void
rcs_fate_image_gone(RcsItem *item)
{
	set_fate(item, 0, "", "waiting for an image");
	again(item, FIRST_BACKOFF_MS);
}

/* ---------- without an offer ---------- */

void
rcs_fate_withdraw(RcsItem *item, const char *code, const char *reason, long delay_ms)
{
	set_fate(item, RCS_WITHDRAWN, code, reason);
	again(item, delay_ms);
	rcs_item_done(item);
}

/* Its account was closed since its intent. */
void
rcs_fate_withdraw_closed(RcsItem *item, const char *code, const char *reason, long delay_ms)
{
	set_fate(item, RCS_WITHDRAWN, code, reason);
	again(item, delay_ms);
	keep_place(item);
	rcs_item_done(item);
}

void
rcs_fate_withdraw_all(const char *code, const char *reason, long delay_ms)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &rcs_delivery.ready)
		rcs_fate_withdraw(dlist_container(RcsItem, node, iter.cur), code, reason, delay_ms);
}
