/*
 * hold_shared.h
 *		Holds as shared memory knows them: when to read rcs.hold again.
 */
#ifndef RCS_HOLD_SHARED_H
#define RCS_HOLD_SHARED_H

extern void rcs_hold_shared_init(void);

/* any process: if this transaction commits, the workers of this database read rcs.hold again */
extern void rcs_hold_announce(void);

/*
 * A backend: from now to the end of this transaction the workers of this
 * database offer nothing.  Returns the number to wait for.
 */
extern uint32 rcs_hold_request(void);
/* True: since this request no worker has a message in flight. */
extern bool rcs_hold_is_drained(uint32 number);

/* worker */
extern uint32 rcs_hold_number(void);
extern bool rcs_hold_requested(void);
extern uint32 rcs_hold_version(void);

#endif /* RCS_HOLD_SHARED_H */
