/*
 * message.h
 *		Messages before they are queued: small checks, plain text, fallback.
 *
 * Pure.  What is wrong comes back as a value, since a caller may want to
 * record it instead of raising it.
 */
#ifndef RCS_MESSAGE_H
#define RCS_MESSAGE_H

#include "utils/jsonb.h"

typedef struct RcsProblem
{
	const char *code; /* as in rcs.rejected: phone, message or param */
	int sqlstate;
	const char *reason; /* lower case, no final period */
	const char *hint;	/* a full sentence, or NULL */
} RcsProblem;

/* What the sender of a single message has given; text or message, not both. */
typedef struct RcsDraft
{
	const char *text;
	Jsonb *message;
	const char *fallback; /* NULL = none */
	const char *callback; /* of the chatbot; NULL = none */
	Jsonb *params;		  /* NULL = none */
} RcsDraft;

/* False, and the problem, unless it can be queued as far as one can see here. */
extern bool rcs_message_check(Jsonb *message, bool need_header, RcsProblem *problem);

/* The whole message with its placeholders filled; NULL, and the problem, when it cannot be. */
extern Jsonb *rcs_message_build(const RcsDraft *draft, RcsProblem *problem);

/* A template with params filled in; NULL, and the problem, when one is missing. */
extern Jsonb *rcs_message_fill(Jsonb *message, Jsonb *params, RcsProblem *problem);

/* params must be an object, or none */
extern bool rcs_message_params_ok(Jsonb *params, RcsProblem *problem);

/* UTF-16 units, the stricter of the two ways in which the carrier may count. */
extern int rcs_message_length(const char *text, int len);

/* Bytes of a fallback as the carrier counts them: Hangul are two. */
extern int rcs_message_bytes(const char *text, int len);

#endif /* RCS_MESSAGE_H */
