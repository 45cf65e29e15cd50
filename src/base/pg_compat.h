/*
 * pg_compat.h
 *	  The only tests of PG_VERSION_NUM: differences between PostgreSQL 14 and 18.
 */
#ifndef RCS_PG_COMPAT_H
#define RCS_PG_COMPAT_H

#if PG_VERSION_NUM < 140000
#error "rcs needs PostgreSQL 14 or later"
#endif

/* VARDATA_ANY() and its like are in a header of their own since 16 */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* a wait set for the life of the process: before 17 it belongs to a memory context */
#if PG_VERSION_NUM >= 170000
#define RcsCreateWaitEventSet(n) CreateWaitEventSet(NULL, (n))
#else
#define RcsCreateWaitEventSet(n) CreateWaitEventSet(TopMemoryContext, (n))
#endif

/* shared memory is asked for in a hook of its own since 15 */
#if PG_VERSION_NUM >= 150000
#define RCS_HAVE_SHMEM_REQUEST_HOOK 1
#define RcsReserveGucPrefix(prefix) MarkGUCPrefixReserved(prefix)
#else
#define RCS_HAVE_SHMEM_REQUEST_HOOK 0
#define RcsReserveGucPrefix(prefix) EmitWarningsOnPlaceholders(prefix)
#endif

#if PG_VERSION_NUM >= 160000
#define RcsIsDatabaseOwner(dboid, roleid) object_ownercheck(DatabaseRelationId, (dboid), (roleid))
#else
#define RcsIsDatabaseOwner(dboid, roleid) pg_database_ownercheck((dboid), (roleid))
#endif

/* the timeline that is written to, outside of recovery */
#if PG_VERSION_NUM >= 150000
#define RcsTimeline() GetWALInsertionTimeLine()
#else
#define RcsTimeline() (RecoveryInProgress() ? 0 : ThisTimeLineID)
#endif

/* wait events of extensions have names since 17 */
#if PG_VERSION_NUM >= 170000
#define RcsWaitEvent(name) WaitEventExtensionNew(name)
#define RCS_HAVE_TRANSACTION_TIMEOUT 1
#else
#define RcsWaitEvent(name) PG_WAIT_EXTENSION
#define RCS_HAVE_TRANSACTION_TIMEOUT 0
#endif

#endif /* RCS_PG_COMPAT_H */
