/*
 * rights.h
 *		Who may steer or see what somebody has sent.
 */
#ifndef RCS_RIGHTS_H
#define RCS_RIGHTS_H

/* Its creator, a member of its chatbot's owner, or the extension's owner.  Called as the owner. */
extern bool rcs_may_steer(Oid caller, const char *created_by, const char *chatbot);

/* The same, or whoever may read rcs.message_status. */
extern bool rcs_may_see(Oid caller, const char *created_by, const char *chatbot);

#endif /* RCS_RIGHTS_H */
