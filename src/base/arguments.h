/*
 * arguments.h
 *		Arguments of SQL functions: one that must be there, a text, an id as text.
 */
#ifndef RCS_ARGUMENTS_H
#define RCS_ARGUMENTS_H

#include "fmgr.h"
#include "utils/uuid.h"

/* Raises 22004 when the argument of this name is null. */
extern void rcs_require_argument(bool isnull, const char *name);

/* NULL for a null argument. */
extern char *rcs_text_argument(FunctionCallInfo fcinfo, int n);

/* The text of an id, for messages. */
extern char *rcs_uuid_text(const pg_uuid_t *id);

#endif /* RCS_ARGUMENTS_H */
