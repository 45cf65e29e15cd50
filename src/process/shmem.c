/*
 * shmem.c
 *		The hooks through which PostgreSQL gives out shared memory, and our locks.
 *
 * Each file that owns a part registers its pointer, its size and its initialiser
 * here.  This file must not know the contents of a part.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"

#include "base/pg_compat.h"
#include "process/shmem.h"

#define MAX_PARTS 16
#define TRANCHE "rcs"

typedef struct Part
{
	void **place;
	Size size;
	void (*init)(void);
	const char *name;
} Part;

static Part parts[MAX_PARTS];
static int nparts = 0;

/* set when the memory is mapped, which is never without preloading */
static LWLockPadded *locks = NULL;

static shmem_startup_hook_type prev_startup_hook = NULL;
#if RCS_HAVE_SHMEM_REQUEST_HOOK
static shmem_request_hook_type prev_request_hook = NULL;
#endif

void
rcs_shmem_register(void **place, Size size, void (*init)(void), const char *name)
{
	if (nparts == MAX_PARTS)
		elog(ERROR, "too many parts of shared memory");
	parts[nparts].place = place;
	parts[nparts].size = size;
	parts[nparts].init = init;
	parts[nparts].name = name;
	nparts++;
}

LWLock *
rcs_shmem_lock(int n)
{
	Assert(locks != NULL && n >= 0 && n < RCS_LOCK_COUNT);
	return &locks[n].lock;
}

bool
rcs_preloaded(void)
{
	return locks != NULL;
}

static void
request(void)
{
	for (int i = 0; i < nparts; i++)
		RequestAddinShmemSpace(parts[i].size);
	RequestNamedLWLockTranche(TRANCHE, RCS_LOCK_COUNT);
}

#if RCS_HAVE_SHMEM_REQUEST_HOOK
static void
request_hook(void)
{
	if (prev_request_hook)
		prev_request_hook();
	request();
}
#endif

/* Runs again, with new memory, when the server restarts after a crash of a process. */
static void
startup_hook(void)
{
	if (prev_startup_hook)
		prev_startup_hook();

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	for (int i = 0; i < nparts; i++)
	{
		bool found;

		*parts[i].place = ShmemInitStruct(parts[i].name, parts[i].size, &found);
		if (found)
			continue;
		memset(*parts[i].place, 0, parts[i].size);
		parts[i].init();
	}
	LWLockRelease(AddinShmemInitLock);
	locks = GetNamedLWLockTranche(TRANCHE);
}

void
rcs_shmem_init(void)
{
#if RCS_HAVE_SHMEM_REQUEST_HOOK
	prev_request_hook = shmem_request_hook;
	shmem_request_hook = request_hook;
#else
	request();
#endif
	prev_startup_hook = shmem_startup_hook;
	shmem_startup_hook = startup_hook;
}
