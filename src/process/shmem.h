/*
 * shmem.h
 *		Shared memory and its locks, for the files that own a part of it.
 */
#ifndef RCS_SHMEM_H
#define RCS_SHMEM_H

#include "storage/lwlock.h"

/*
 * One lock for each owner of shared memory.  A process that holds one does not wait,
 * connect or raise, and takes no second one.
 */
typedef enum RcsLock
{
	RCS_LOCK_SLOTS,	   /* slots.c */
	RCS_LOCK_HANDOVER, /* wakeup.c */
	RCS_LOCK_ACCOUNTS, /* account_shared.c */
	RCS_LOCK_HOLD,	   /* hold_shared.c */
	RCS_LOCK_MEDIA,	   /* media_shared.c */
	RCS_LOCK_HANDLERS, /* handler.c */
	RCS_LOCK_COUNT
} RcsLock;

extern void rcs_shmem_init(void);

/*
 * To be called in _PG_init, before the hooks run.  The place gets the address of the memory, which
 * is zero; init sets the members that must not be zero.
 */
extern void rcs_shmem_register(void **place, Size size, void (*init)(void), const char *name);
extern LWLock *rcs_shmem_lock(int n);

/* Is the library in shared_preload_libraries, so that there is shared memory? */
extern bool rcs_preloaded(void);

#endif /* RCS_SHMEM_H */
