/*
 * limits.h
 *		How much a caller may give with a message.
 */
#ifndef RCS_LIMITS_H
#define RCS_LIMITS_H

#include "utils/jsonb.h"

#define RCS_MOST_PARAMS 65536 /* bytes, as jsonb */
#define RCS_MOST_CHARS 200	  /* characters of a key, a ref or a name */

/* What is wrong, such as "key has 201 characters, at most 200 are allowed"; NULL: nothing. */
extern const char *rcs_params_fault(const Jsonb *params);
extern const char *rcs_ref_fault(const text *ref);

/* The same for an argument, as an error; NULL is right. */
extern void rcs_check_label(const char *what, const char *value);

#endif /* RCS_LIMITS_H */
