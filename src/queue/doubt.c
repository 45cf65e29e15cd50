/*
 * doubt.c
 *		May a message whose outcome is unknown be offered again?
 *
 * A worker asks for the messages of its own offers, and rcs._recover_batch() for
 * those of a worker that died.  This file must not know offers, batches and tables.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "process/guc.h"
#include "queue/doubt.h"

bool
rcs_doubt_holds(char own)
{
	return own != 0 ? own == 'h' : rcs_in_doubt == RCS_IN_DOUBT_HOLD;
}

bool
rcs_doubt_too_old(TimestampTz since, TimestampTz at)
{
	return at > TimestampTzPlusMilliseconds(since, (int64) rcs_duplicate_window * 1000);
}

/* rcs._doubt_ends(in_doubt text, since timestamptz, at timestamptz) */
PG_FUNCTION_INFO_V1(rcs_doubt_ends);
Datum
rcs_doubt_ends(PG_FUNCTION_ARGS)
{
	char own = PG_ARGISNULL(0) ? 0 : text_to_cstring(PG_GETARG_TEXT_PP(0))[0];

	PG_RETURN_BOOL(rcs_doubt_holds(own) ||
				   rcs_doubt_too_old(PG_GETARG_TIMESTAMPTZ(1), PG_GETARG_TIMESTAMPTZ(2)));
}
