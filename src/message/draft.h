/*
 * draft.h
 *		Messages before they are queued: plain text, fallback, placeholders.
 *
 * A problem comes back as a value, because a caller may record it instead of
 * raising it.
 */
#ifndef RCS_DRAFT_H
#define RCS_DRAFT_H

#include "utils/jsonb.h"

#include "message/complaint.h"
#include "message/problem.h"

/* The arguments of a single message; text or message, not both. */
typedef struct RcsDraft
{
	const char *text;
	Jsonb *message;
	const char *fallback; /* NULL = none */
	RcsFacts facts;
	Jsonb *params; /* NULL = none */
} RcsDraft;

/* The whole message with its placeholders filled; NULL, and the problem, when it cannot be. */
extern Jsonb *rcs_message_build(const RcsDraft *draft, RcsProblem *problem);

/* A campaign's message as it is kept; NULL, and the problem, when it is not valid. */
extern Jsonb *rcs_message_for_campaign(Jsonb *message, const RcsFacts *facts, RcsProblem *problem);

/* A template with params filled in; NULL, and the problem, when one is missing. */
extern Jsonb *rcs_message_fill(Jsonb *message, Jsonb *params, RcsProblem *problem);
extern Jsonb *rcs_message_fill_or_raise(Jsonb *message, Jsonb *params);

/* "body.title: 31 characters, at most 30 are allowed" */
extern char *rcs_fault_text(const RcsFault *fault);

/* The problem that a message with these faults, at least one, has. */
extern void rcs_message_problem(List *faults, RcsProblem *problem);

#endif /* RCS_DRAFT_H */
