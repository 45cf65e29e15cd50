/*
 * claim.c
 *		The claims of this process on messages of users: no other process answers those.
 *
 * A claim is a session lock: it is held while no transaction is open, and ends
 * with the process in every case.  This file must not know how a message is
 * chosen or answered.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/monotonic.h"
#include "chat/claim.h"
#include "process/own_lock.h"

#define REMEMBERED 64 /* failures; a message whose failure is forgotten is tried at once */
#define REST_US \
	INT64CONST(3000000) /* longer than the pause after a failure, so that others get a turn */

typedef struct Failure
{
	int64 id; /* 0: free */
	int times;
	int64 rest_until;
} Failure;

static int64 current = 0;
static Failure failures[REMEMBERED];
static int next_failure = 0;

static Failure *
find_failure(int64 id)
{
	for (int i = 0; i < REMEMBERED; i++)
		if (failures[i].id == id)
			return &failures[i];
	return NULL;
}

void
rcs_chat_release(int64 id)
{
	rcs_own_unlock_session(RCS_OWN_CLAIM, id, ExclusiveLock);
}

void
rcs_chat_give_up_claim(void)
{
	if (current != 0)
		rcs_chat_release(current);
	current = 0;
}

void
rcs_chat_keep(void)
{
	current = 0;
}

int64
rcs_chat_claimed(void)
{
	return current;
}

int
rcs_chat_failed(int64 id)
{
	Failure *f = find_failure(id);

	if (f == NULL)
	{
		f = &failures[next_failure++ % REMEMBERED];
		f->id = id;
		f->times = 0;
	}
	f->rest_until = rcs_now_us() + REST_US;
	return ++f->times;
}

void
rcs_chat_forget_failures(int64 id)
{
	Failure *f = find_failure(id);

	if (f != NULL)
		f->id = 0;
}

static bool
is_resting(int64 id)
{
	Failure *f = find_failure(id);

	return f != NULL && f->rest_until > rcs_now_us();
}

static bool
take_unless_resting(int64 id)
{
	bool again;

	return !is_resting(id) && rcs_own_lock_session(RCS_OWN_CLAIM, id, ExclusiveLock, &again) &&
		   !again;
}

/* True when no process has claimed it.  The caller locks its row next and answers at once. */
PG_FUNCTION_INFO_V1(rcs_chat_is_free);
Datum
rcs_chat_is_free(PG_FUNCTION_ARGS)
{
	if (!take_unless_resting(PG_GETARG_INT64(0)))
		PG_RETURN_BOOL(false);
	rcs_chat_release(PG_GETARG_INT64(0));
	PG_RETURN_BOOL(true);
}

/* Claims it unless another process has.  The claim that was made before is given up then. */
PG_FUNCTION_INFO_V1(rcs_chat_claim);
Datum
rcs_chat_claim(PG_FUNCTION_ARGS)
{
	int64 id = PG_GETARG_INT64(0);

	if (!take_unless_resting(id))
		PG_RETURN_BOOL(false);
	rcs_chat_give_up_claim();
	current = id;
	PG_RETURN_BOOL(true);
}
