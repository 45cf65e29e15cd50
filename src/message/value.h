/*
 * value.h
 *		Checks values and objects of a message by the tables of schema.c.
 */
#ifndef RCS_VALUE_H
#define RCS_VALUE_H

#include "message/complaint.h"
#include "message/schema.h"

extern void rcs_check_object(RcsCheck *c, const char *path, JsonbContainer *object,
							 const RcsObjectRule *rule);
extern void rcs_check_value(RcsCheck *c, const char *path, JsonbValue *v,
							const RcsMemberRule *rule);

#endif /* RCS_VALUE_H */
