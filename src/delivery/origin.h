/*
 * origin.h
 *		Were the messages at hand made in this database, or loaded from a dump?  In a turn.
 */
#ifndef RCS_ORIGIN_H
#define RCS_ORIGIN_H

#include "carrier/carrier.h"
#include "queue/outbox.h"

/* Messages that a lease has brought.  When they come from elsewhere the database is on hold from now on. */
extern void rcs_origin_judge(const RcsMessageRow *messages, int n);

/*
 * May the leases of a dead worker be taken apart?  While a dump is being loaded
 * they are there before the rows that say what became of their messages.
 */
extern bool rcs_origin_judge_leases(int64 generation);

#endif /* RCS_ORIGIN_H */
