/*
 * purge.h
 *		Purges what is older than rcs.keep, a few hundred messages at a time.
 */
#ifndef RCS_PURGE_H
#define RCS_PURGE_H

/* Once a round; a transaction of its own. */
extern void rcs_purge_when_due(int64 now_us);

#endif /* RCS_PURGE_H */
