/*
 * slot_status.h
 *		What a delivery worker shows of itself in its slot.
 */
#ifndef RCS_SLOT_STATUS_H
#define RCS_SLOT_STATUS_H

/* A turn has committed final outcomes. */
extern void rcs_slot_status_recorded(void);

/* Once a round; "silence" is the number of the latest request of silence when the round began. */
extern void rcs_slot_status_show(uint32 silence);

#endif /* RCS_SLOT_STATUS_H */
