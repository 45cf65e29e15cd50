/*
 * check.h
 *		Is a message one that the carrier takes?  Everything that is wrong with
 *		it, as a list.
 *
 * Pure but for PostgreSQL's encoding tables, so it needs a transaction.
 */
#ifndef RCS_CHECK_H
#define RCS_CHECK_H

#include "message/complaint.h"

/*
 * All faults in a fixed order; NIL: none.  "form" may be NULL.  The form is in
 * the caller's memory context and keeps pointers to "facts".
 */
extern List *rcs_message_faults(Jsonb *message, const RcsCheckOptions *options, RcsForm **form);

#endif /* RCS_CHECK_H */
