/*
 * choice.h
 *		Through which of its sender's accounts a campaign gets its next slice, and how much of it.
 */
#ifndef RCS_CHOICE_H
#define RCS_CHOICE_H

#include "delivery/state.h"
#include "media/image_ready.h"

#define RCS_REFILL_BELOW 1 /* slices that wait for permits when more are fetched */

extern int rcs_choice_room(const RcsLaneCampaign *c, RcsAccount *a, int slices, int64 now_us,
						   int64 *wait_us);
extern void rcs_choice_know(RcsLaneCampaign *c, RcsBot *bot);
extern RcsAccount *rcs_choice_account(RcsLaneCampaign *c, const RcsLease *lease, const char *server,
									  int *most, RcsImageWait *image);
extern List *rcs_choice_closed(RcsLaneCampaign *c);

#endif /* RCS_CHOICE_H */
