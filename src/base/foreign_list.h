/*
 * foreign_list.h
 *	  A list from outside, read element by element: those that can be read, and the bytes of
 *	  the others.
 */
#ifndef RCS_FOREIGN_LIST_H
#define RCS_FOREIGN_LIST_H

#include "utils/jsonb.h"

#include "base/foreign_split.h"

typedef struct RcsForeignList
{
	int n;		   /* elements in all */
	bool named;	   /* it is a member of an object */
	bool lone;	   /* an object is the only element */
	bool cut;	   /* it does not end as it should */
	Jsonb *good;   /* an array, in order */
	int n_objects; /* of them */
	RcsBytes *bad; /* in order */
	int n_bad;
} RcsForeignList;

/*
 * Reads so many elements, beginning at one of them; of the others only their number is
 * found out.  For the forms of a list see foreign_split.h.  False: it is no list.
 * Works outside a transaction, allocates in the current context.
 */
extern bool rcs_foreign_list(RcsForeignList *l, RcsBytes bytes, const char *name, int first,
							 int most);

/* Runs of bytes as a bytea[]. */
extern Datum rcs_bytea_array(const RcsBytes *list, int n);

/* What could be JSON if what is no character in it were one; NULL: it is none even then. */
extern Jsonb *rcs_foreign_mended(RcsBytes bytes, int encoding, const char **problem);

#endif /* RCS_FOREIGN_LIST_H */
