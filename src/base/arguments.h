/*
 * arguments.h
 *		Arguments of SQL functions: one that must be there, an id as text.
 */
#ifndef RCS_ARGUMENTS_H
#define RCS_ARGUMENTS_H

#include "utils/uuid.h"

/* Raises 22004 when the argument of this name is null. */
extern void rcs_require_argument(bool isnull, const char *name);

/* The text of an id, for messages. */
extern char *rcs_uuid_text(const pg_uuid_t *id);

#endif /* RCS_ARGUMENTS_H */
