/*
 * cross.h
 *		Rules between members of a message, and between it and its sender.
 */
#ifndef RCS_CROSS_H
#define RCS_CROSS_H

#include "message/complaint.h"
#include "message/schema.h"

extern void rcs_check_cross(RcsCheck *c, JsonbContainer *message, const RcsServiceRule *service,
							const RcsLayoutRule *layout, int cards);

#endif /* RCS_CROSS_H */
