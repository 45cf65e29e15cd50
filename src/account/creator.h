/*
 * creator.h
 *		The value of created_by for a role that creates something.
 */
#ifndef RCS_CREATOR_H
#define RCS_CREATOR_H

/* Called as the owner, with SPI connected.  Valid until the next call. */
extern const char *rcs_creator(Oid role);

#endif /* RCS_CREATOR_H */
