/*
 * pg_compat.h
 *	  The only tests of PG_VERSION_NUM: differences between PostgreSQL 14 and 19.
 */
#ifndef RCS_PG_COMPAT_H
#define RCS_PG_COMPAT_H

#include "utils/jsonb.h"

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

/* a function that does not come back is marked in front since 18 */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

/* wait events of extensions have names since 17 */
#if PG_VERSION_NUM >= 170000
#define RcsWaitEvent(name) WaitEventExtensionNew(name)
#define RCS_HAVE_TRANSACTION_TIMEOUT 1
#else
#define RcsWaitEvent(name) PG_WAIT_EXTENSION
#define RCS_HAVE_TRANSACTION_TIMEOUT 0
#endif

/* RcsPassSignal(f): a signal handler calls another one; since 19 they get more than its number */
#if PG_VERSION_NUM >= 190000
#define RcsPassSignal(handler) handler(postgres_signal_arg, pg_siginfo)
#else
#define RcsPassSignal(handler) handler(postgres_signal_arg)
#endif

/* a description of rows that was not made by PostgreSQL; since 19 one that is not finished crashes */
#if PG_VERSION_NUM >= 190000
#define RcsTupleDescFinalize(desc) TupleDescFinalize(desc)
#else
#define RcsTupleDescFinalize(desc) ((void) (desc))
#endif

/* a jsonb in the making; the result is there when its last token was pushed */
#if PG_VERSION_NUM >= 190000
typedef JsonbInState RcsJsonbState;

static inline JsonbValue *
RcsPushJsonb(RcsJsonbState *state, JsonbIteratorToken token, JsonbValue *value)
{
	pushJsonbValue(state, token, value);
	return state->result;
}
#else
typedef struct RcsJsonbState
{
	JsonbParseState *stack;
} RcsJsonbState;

static inline JsonbValue *
RcsPushJsonb(RcsJsonbState *state, JsonbIteratorToken token, JsonbValue *value)
{
	return pushJsonbValue(&state->stack, token, value);
}
#endif

#endif /* RCS_PG_COMPAT_H */
