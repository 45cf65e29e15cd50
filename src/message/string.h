/*
 * string.h
 *		The length and the form of one string of a message.
 */
#ifndef RCS_STRING_H
#define RCS_STRING_H

#include "message/complaint.h"
#include "message/schema.h"

extern void rcs_check_text(RcsCheck *c, const char *path, const RcsMemberRule *rule,
						   const char *text, int len);

/* -1, and where it stands, for a character that the unit cannot count */
extern int rcs_measure(const char *text, int len, RcsLengthUnit unit, int *bad_at);
extern const char *rcs_unit_name(RcsLengthUnit unit, int n);

#endif /* RCS_STRING_H */
