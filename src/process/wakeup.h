/*
 * wakeup.h
 *		Hands the work of a transaction over to the workers at COMMIT.
 */
#ifndef RCS_WAKEUP_H
#define RCS_WAKEUP_H

extern void rcs_wakeup_init(void);

/*
 * Backend.  Remembered, and done at COMMIT; nothing is done on ROLLBACK or PREPARE.  But
 * rcs_wakeup_block() acts at once, and the end of the transaction undoes it.
 */
extern void rcs_wakeup_single(int64 batch_id);
extern void rcs_wakeup_campaign(void);
extern void rcs_wakeup_steered(void);
extern void rcs_wakeup_chat(void);
extern void rcs_wakeup_count(void);
extern void rcs_wakeup_refused(void);
extern void rcs_wakeup_probe(void);
extern void rcs_wakeup_everything(void);
extern void rcs_wakeup_launcher(void);
extern void rcs_wakeup_block(Oid dboid);

/* True: this transaction has queued messages or steered a campaign. */
extern bool rcs_wakeup_enqueued(void);

/* Worker: to be open before the first scan, so that no message falls between. */
extern void rcs_handover_open(Oid dboid);
extern void rcs_handover_close(void);
extern int rcs_handover_take(Oid dboid, int64 *ids, int max, bool *overflow);
extern bool rcs_single_hurries(int64 now_us);
extern void rcs_singles_have_left(void);
extern uint32 rcs_campaign_wake_count(Oid dboid);
extern uint32 rcs_steer_count(void);
extern uint32 rcs_chat_wake_count(Oid dboid);
extern uint32 rcs_count_wake_count(void);

/* How long a worker that has nothing to do may not look: without a ring nothing wakes it. */
extern int64 rcs_idle_nap_us(void);

/* Rises whenever a person, in any database, has refused advertising or was erased. */
extern uint32 rcs_refusal_count(void);

#endif /* RCS_WAKEUP_H */
