/*
 * listener_shared.c
 *		The state of the listener in shared memory, for other processes.
 *
 * There is one listener in a server, so there is one place for it.  rcs._workers()
 * tells whether its process is still there.  This file must not know HTTP.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/spin.h"
#include "utils/builtins.h"

#include "listener/listener_shared.h"
#include "process/shmem.h"

#define OTHERS 5
#define COLUMNS (OTHERS + RCS_LISTENER_COUNTS)

typedef struct Shared
{
	slock_t mutex; /* of the fields that are not atomic */
	pid_t pid;	   /* of the process that wrote it; 0: none has yet */
	int port;
	bool listening;
	char address[RCS_LISTENER_ADDRESS_LEN];
	char problem[RCS_LISTENER_PROBLEM_LEN];
	pg_atomic_uint64 counts[RCS_LISTENER_COUNTS];
} Shared;

static Shared *shared = NULL;

PG_FUNCTION_INFO_V1(rcs_listener);

static void
shared_init(void)
{
	SpinLockInit(&shared->mutex);
	for (int i = 0; i < RCS_LISTENER_COUNTS; i++)
		pg_atomic_init_u64(&shared->counts[i], 0);
}

void
rcs_listener_shared_init(void)
{
	rcs_shmem_register((void **) &shared, sizeof(Shared), shared_init, "rcs listener");
}

void
rcs_listener_tell(const char *address, int port, bool listening, const char *problem)
{
	SpinLockAcquire(&shared->mutex);
	shared->pid = MyProcPid;
	shared->port = port;
	shared->listening = listening;
	strlcpy(shared->address, address, RCS_LISTENER_ADDRESS_LEN);
	strlcpy(shared->problem, problem != NULL ? problem : "", RCS_LISTENER_PROBLEM_LEN);
	SpinLockRelease(&shared->mutex);
}

void
rcs_listener_count(RcsListenerCount what, uint64 n)
{
	pg_atomic_fetch_add_u64(&shared->counts[what], (int64) n);
}

/* rcs._listener(): one row, of nulls and zeros when there has been no listener. */
Datum
rcs_listener(PG_FUNCTION_ARGS)
{
	TupleDesc tupdesc;
	Shared now = {0};
	Datum values[COLUMNS];
	bool nulls[COLUMNS] = {false};

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (rcs_preloaded())
	{
		SpinLockAcquire(&shared->mutex);
		memcpy(&now, shared, offsetof(Shared, counts));
		SpinLockRelease(&shared->mutex);
	}
	nulls[0] = nulls[1] = nulls[2] = nulls[3] = now.pid == 0;
	nulls[4] = now.problem[0] == '\0';
	values[0] = Int32GetDatum((int32) now.pid);
	values[1] = CStringGetTextDatum(now.address);
	values[2] = Int32GetDatum(now.port);
	values[3] = BoolGetDatum(now.listening);
	values[4] = CStringGetTextDatum(now.problem);
	for (int i = 0; i < RCS_LISTENER_COUNTS; i++)
		values[OTHERS + i] =
			Int64GetDatum(rcs_preloaded() ? (int64) pg_atomic_read_u64(&shared->counts[i]) : 0);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls)));
}
