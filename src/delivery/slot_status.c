/*
 * slot_status.c
 *		What a delivery worker shows of itself in its slot: its state, and the
 *		moments by which rcs_health() sees that it is stuck.
 *
 * It decides nothing.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "delivery/slot_status.h"
#include "delivery/state.h"

static void
show_moment(pg_atomic_uint64 *moment, TimestampTz when)
{
	pg_atomic_write_u64(moment, (uint64) when);
}

void
rcs_slot_status_recorded(void)
{
	show_moment(&rcs_delivery.slot->recorded_at, GetCurrentTimestamp());
}

void
rcs_slot_status_show(uint32 silence)
{
	RcsSlot *slot = rcs_delivery.slot;
	TimestampTz now = GetCurrentTimestamp();
	/* uploads and questions for reports are no messages, and a hold does not stop them */
	int open = rcs_delivery.nflying + rcs_logins_flying() + rcs_delivery.nready;
	bool held = rcs_holds_reason() != NULL;

	pg_atomic_write_u32(&slot->in_flight, (uint32) rcs_http_active());
	rcs_slot_set_state(slot, open > 0 ? "sending" : held ? "on hold" : "idle");
	if (held && open + rcs_delivery.ndone == 0)
		pg_atomic_write_u32(&slot->silent_since, silence);

	show_moment(&slot->round_at, now);
	if (dlist_is_empty(&rcs_delivery.leases))
		show_moment(&slot->busy_since, 0);
	else if (pg_atomic_read_u64(&slot->busy_since) == 0)
		show_moment(&slot->busy_since, now);
}
