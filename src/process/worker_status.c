/*
 * worker_status.c
 *		rcs._workers(): the launcher and the worker slots as rows.
 *
 * This file must not know the work of a worker.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "process/shmem.h"
#include "process/slots.h"

#define COLUMNS 12

PG_FUNCTION_INFO_V1(rcs_workers);

typedef struct Rows
{
	int next; /* -1 is the launcher */
	pid_t launcher_pid;
	TimestampTz launcher_since;
	RcsSlot slots[RCS_MAX_SLOTS];
} Rows;

static Rows *
take_rows(void)
{
	Rows *rows = palloc0(sizeof(Rows));

	if (!rcs_preloaded())
	{
		rows->next = RCS_MAX_SLOTS;
		return rows;
	}
	rcs_slots_copy(rows->slots);
	rows->launcher_pid = rcs_launcher_pid(&rows->launcher_since);
	rows->next = rows->launcher_pid == 0 ? 0 : -1;
	return rows;
}

static void
launcher_row(Rows *rows, Datum *values, bool *nulls)
{
	memset(nulls, true, COLUMNS * sizeof(bool));
	nulls[0] = nulls[2] = nulls[3] = nulls[7] = false;
	values[0] = Int32GetDatum((int32) rows->launcher_pid);
	values[2] = CStringGetTextDatum("launcher");
	values[3] = CStringGetTextDatum("running");
	values[7] = TimestampTzGetDatum(rows->launcher_since);
}

static void
slot_row(RcsSlot *slot, Datum *values, bool *nulls)
{
	uint64 moments[] = {pg_atomic_read_u64(&slot->round_at), pg_atomic_read_u64(&slot->recorded_at),
						pg_atomic_read_u64(&slot->busy_since)};

	memset(nulls, false, COLUMNS * sizeof(bool));
	nulls[0] = slot->phase != RCS_SLOT_RUNNING;
	values[0] = Int32GetDatum((int32) slot->pid);
	values[1] = ObjectIdGetDatum(slot->dboid);
	values[2] = CStringGetTextDatum(rcs_worker_kind_name(slot->kind));
	values[3] = CStringGetTextDatum(slot->state);
	values[4] = Int32GetDatum((int32) pg_atomic_read_u32(&slot->in_flight));
	values[5] = Int64GetDatum((int64) pg_atomic_read_u64(&slot->accepted));
	values[6] = Int64GetDatum((int64) pg_atomic_read_u64(&slot->failed));
	values[7] = TimestampTzGetDatum(slot->since);
	for (int i = 0; i < (int) lengthof(moments); i++)
	{
		nulls[8 + i] = slot->phase != RCS_SLOT_RUNNING || moments[i] == 0;
		values[8 + i] = TimestampTzGetDatum((TimestampTz) moments[i]);
	}
	nulls[11] = slot->phase != RCS_SLOT_RUNNING || !rcs_slot_is_blocked(slot);
	values[11] = TimestampTzGetDatum(slot->blocked_since);
}

Datum
rcs_workers(PG_FUNCTION_ARGS)
{
	FuncCallContext *ctx;
	Rows *rows;
	Datum values[COLUMNS];
	bool nulls[COLUMNS];

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;
		TupleDesc desc;

		ctx = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(ctx->multi_call_memory_ctx);
		if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "return type must be a row type");
		ctx->tuple_desc = BlessTupleDesc(desc);
		ctx->user_fctx = take_rows();
		MemoryContextSwitchTo(old);
	}
	ctx = SRF_PERCALL_SETUP();
	rows = ctx->user_fctx;

	while (rows->next >= 0 && rows->next < RCS_MAX_SLOTS &&
		   rows->slots[rows->next].phase == RCS_SLOT_FREE)
		rows->next++;
	if (rows->next == RCS_MAX_SLOTS)
		SRF_RETURN_DONE(ctx);
	if (rows->next < 0)
		launcher_row(rows, values, nulls);
	else
		slot_row(&rows->slots[rows->next], values, nulls);
	rows->next++;
	SRF_RETURN_NEXT(ctx, HeapTupleGetDatum(heap_form_tuple(ctx->tuple_desc, values, nulls)));
}
