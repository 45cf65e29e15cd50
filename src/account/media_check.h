/*
 * media_check.h
 *		Addresses of images, checked when a message is made.
 */
#ifndef RCS_MEDIA_CHECK_H
#define RCS_MEDIA_CHECK_H

#include "message/draft.h"

/*
 * Does each address of an image in the message belong to a data service?  False,
 * and the problem, when not; an error when the caller may not use that service.
 * In a template an address must not depend on who gets it.  Called as the owner.
 */
extern bool rcs_media_check_urls(Jsonb *message, Oid caller, RcsProblem *problem);

#endif /* RCS_MEDIA_CHECK_H */
