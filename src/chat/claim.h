/*
 * claim.h
 *		Which messages of users this process is answering, so that nobody else does.
 */
#ifndef RCS_CLAIM_H
#define RCS_CLAIM_H

/* The last one claimed in this transaction; 0: none.  The caller gives it up or keeps it. */
extern int64 rcs_chat_claimed(void);
extern void rcs_chat_keep(void);
extern void rcs_chat_give_up_claim(void);

/* One that was kept is done with. */
extern void rcs_chat_release(int64 id);

/* Its transaction failed: it rests for a while.  Returns how often that was in a row. */
extern int rcs_chat_failed(int64 id);
extern void rcs_chat_forget_failures(int64 id);

#endif /* RCS_CLAIM_H */
