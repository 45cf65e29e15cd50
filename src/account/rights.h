/*
 * rights.h
 *		The rights to steer and to see messages and campaigns, and to go before others.
 */
#ifndef RCS_RIGHTS_H
#define RCS_RIGHTS_H

/* True for the creator, a member of the chatbot's owner, and the extension's owner.  Called as the owner. */
extern bool rcs_may_steer(Oid caller, const char *created_by, const char *chatbot);

/* True for the same roles, and for a role that may read rcs.message_status. */
extern bool rcs_may_see(Oid caller, const char *created_by, const char *chatbot);

/* True for the creator, the extension's owner, and a role that may read rcs.message_status: not for the chatbot's owner. */
extern bool rcs_may_see_numbers(Oid caller, const char *created_by);

/*
 * Called before "there is none, or it is not yours" is raised.  An id may be computed from a number, so
 * it must not show in the time of the answer which of the two it is: such answers come at ticks.
 */
extern void rcs_wait_to_refuse(void);

/* May the caller SELECT from this view of the schema rcs?  False when there is none. */
extern bool rcs_may_read(Oid caller, const char *name);

/* Keeps the names of owners and creators up to date.  Called as the owner, with SPI connected. */
extern void rcs_roles_follow(void);

/*
 * Raises unless the caller may execute rcs_priority().  "what" says what it may not; "hint"
 * goes before the GRANT that lets it.
 */
extern void rcs_require_priority(Oid caller, const char *what, const char *hint);

#endif /* RCS_RIGHTS_H */
