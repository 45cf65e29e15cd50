/*
 * boot.h
 *		How this run of the server began.
 */
#ifndef RCS_BOOT_H
#define RCS_BOOT_H

/* In the postmaster, before recovery. */
extern void rcs_boot_note(void);

/* Was it started to restore a backup?  A standby, and its promotion, is no restore. */
extern bool rcs_boot_restored(void);

#endif /* RCS_BOOT_H */
