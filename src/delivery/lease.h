/*
 * lease.h
 *		Takes work: leases, and the intents of the next slice.  All in a turn.
 */
#ifndef RCS_LEASE_H
#define RCS_LEASE_H

#include "delivery/state.h"

/* A batch of a campaign.  Without a bot it is only to be ended, whatever is unsent, and no text is read. */
extern RcsLease *rcs_lease_doubt(RcsLaneCampaign *campaign, RcsBot *bot, List *closed_servers);
extern RcsLease *rcs_lease_batch(RcsLaneCampaign *campaign, RcsBot *bot, List *closed_servers);
extern RcsLease *rcs_lease_singles(const int64 *ids, int nids);

extern int rcs_lease_intend(RcsLease *lease, RcsAccount *account, int most);
extern void rcs_lease_drop_late(RcsLease *lease);
extern void rcs_lease_put_back(RcsItem *item, long delay_ms, const char *reason);

#endif /* RCS_LEASE_H */
