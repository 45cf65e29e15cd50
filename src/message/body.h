/*
 * body.h
 *		The body of a message: cards, or the variables of a brand's template.
 */
#ifndef RCS_BODY_H
#define RCS_BODY_H

#include "message/complaint.h"
#include "message/schema.h"

/* *cards is 0 when they cannot be told */
extern void rcs_check_body(RcsCheck *c, JsonbContainer *message, const RcsServiceRule *service,
						   const RcsLayoutRule *layout, RcsSum *sum, int *cards);

/* The highest number of a card in a body; 0 when no member has one. */
extern int rcs_body_cards(JsonbContainer *body);

#endif /* RCS_BODY_H */
