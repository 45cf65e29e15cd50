/*
 * owner.h
 *		The scope in which a function called by a user acts as the extension's owner.
 */
#ifndef RCS_OWNER_H
#define RCS_OWNER_H

typedef struct RcsOwnerScope
{
	Oid userid;
	int sec;
	int nestlevel;
} RcsOwnerScope;

/* An error between the two needs no care: rollback puts everything back. */
extern void rcs_owner_begin(RcsOwnerScope *s);
extern void rcs_owner_end(RcsOwnerScope *s);

#endif /* RCS_OWNER_H */
