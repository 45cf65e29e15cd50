/*
 * hold_store.h
 *		The table of holds: the ones in force, and the ones that workers make.
 */
#ifndef RCS_HOLD_STORE_H
#define RCS_HOLD_STORE_H

#include "nodes/pg_list.h"

/* Stands before the reason of a hold, wherever it is shown. */
#define RCS_ON_HOLD "on hold: "

/* A hold that is in force. */
typedef struct RcsHold
{
	char *server; /* NULL = the whole database */
	char *reason;
	bool by_worker;
} RcsHold;

/* Both with SPI connected, as the owner. */
extern List *rcs_hold_list(MemoryContext cxt);
extern void rcs_hold_by_worker(const char *reason);

#endif /* RCS_HOLD_STORE_H */
