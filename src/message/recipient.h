/*
 * recipient.h
 *		Checks the open parts of a template for one recipient.
 */
#ifndef RCS_RECIPIENT_H
#define RCS_RECIPIENT_H

#include "message/complaint.h"

/*
 * Is the message valid with these params, none of which is missing?  rendered
 * is the length of the whole message as JSON text.  False, and the first fault.
 */
extern bool rcs_form_check(RcsForm *form, JsonbContainer *params, int rendered, RcsFault *fault);

#endif /* RCS_RECIPIENT_H */
