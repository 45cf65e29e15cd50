/*
 * jsonb_members.h
 *		The members of a JSON object by their names.
 *
 * A member that is null counts as missing.  A value that is not an object has no members.
 */
#ifndef RCS_JSONB_MEMBERS_H
#define RCS_JSONB_MEMBERS_H

#include "utils/jsonb.h"

/* NULL when it is missing; palloc'd */
extern JsonbValue *rcs_member(JsonbContainer *object, const char *name);

extern bool rcs_member_present(JsonbContainer *object, const char *name);

/* NULL when the member is of another kind */
extern JsonbContainer *rcs_member_object(JsonbContainer *object, const char *name);
extern JsonbContainer *rcs_member_list(JsonbContainer *object, const char *name);

/* a string or a number as text, else NULL */
extern char *rcs_member_text(JsonbContainer *object, const char *name);

/* Is the value, which may be NULL, a string and this one? */
extern bool rcs_is_word(const JsonbValue *v, const char *word);

#endif /* RCS_JSONB_MEMBERS_H */
