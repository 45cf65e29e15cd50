/*
 * media_check.h
 *		Addresses of images, checked when a message is made.
 */
#ifndef RCS_MEDIA_CHECK_H
#define RCS_MEDIA_CHECK_H

#include "message/draft.h"

/*
 * True when each address of an image in the message belongs to a data service.  False
 * with the problem when one does not; an error when the caller may not use the service.
 * An address must have no placeholder.  Called as the owner.
 */
extern bool rcs_media_check_urls(Jsonb *message, Oid caller, RcsProblem *problem);

#endif /* RCS_MEDIA_CHECK_H */
