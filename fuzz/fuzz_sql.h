/*
 * fuzz_sql.h
 *		The same input through the functions that users call.
 */
#ifndef RCS_FUZZ_SQL_H
#define RCS_FUZZ_SQL_H

#include "lib/stringinfo.h"
#include "utils/jsonb.h"

#define FUZZ_CHATBOT "0212351235"

/* What the rules have said of it. */
typedef struct FuzzExpected
{
	int faults;		/* as a template */
	bool taken;		/* as a single message */
	bool recipient; /* its campaign takes who has these params */
	bool fetched;	/* an image of it would be, if the sender may */
} FuzzExpected;

/*
 * rcs_validate, rcs_render, rcs_send and a campaign must say what the rules said.
 * What they did is rolled back; what differs is appended.
 */
extern void fuzz_through_sql(Jsonb *message, Jsonb *params, const FuzzExpected *expected,
							 StringInfo verdict);

/* An address in place of a file is fetched, if the sender may: the rules know little of that. */
extern bool fuzz_names_address(Jsonb *message);

#endif /* RCS_FUZZ_SQL_H */
