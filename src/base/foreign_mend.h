/*
 * foreign_mend.h
 *	  Makes text of bytes that were meant as JSON and are not.
 */
#ifndef RCS_FOREIGN_MEND_H
#define RCS_FOREIGN_MEND_H

#include "lib/stringinfo.h"

#include "base/foreign_split.h"

/* What stands in the place of something else now. */
typedef struct RcsMended
{
	StringInfoData text; /* UTF-8, in the current context */
	int bytes;			 /* that are no character */
	int escapes;		 /* that are no character: a zero, or half of a surrogate pair */
} RcsMended;

/*
 * Text of this encoding.  What is no character becomes U+FFFD, or a question mark in a
 * database that does not know it.  An encoding other than UTF-8 needs a transaction.
 */
extern void rcs_mend(RcsMended *m, RcsBytes bytes, int encoding);

#endif /* RCS_FOREIGN_MEND_H */
