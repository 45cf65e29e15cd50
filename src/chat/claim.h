/*
 * claim.h
 *		The claims of this process on messages of users: no other process answers those.
 */
#ifndef RCS_CLAIM_H
#define RCS_CLAIM_H

/* The message that was claimed last in this transaction; 0: none.  The caller gives it up or keeps it. */
extern int64 rcs_chat_claimed(void);
extern void rcs_chat_keep(void);
extern void rcs_chat_give_up_claim(void);

/* Gives up a claim that was kept. */
extern void rcs_chat_release(int64 id);

/* Notes that its transaction failed; the message rests for a while.  Returns the failures in a row. */
extern int rcs_chat_failed(int64 id);
extern void rcs_chat_forget_failures(int64 id);

#endif /* RCS_CLAIM_H */
