/*
 * foreign_split.h
 *	  The elements of a list from outside as runs of bytes, also when some of them are no JSON.
 */
#ifndef RCS_FOREIGN_SPLIT_H
#define RCS_FOREIGN_SPLIT_H

typedef struct RcsBytes
{
	const char *at;
	const char *end; /* behind the last one */
} RcsBytes;

/* A walk through a list. */
typedef struct RcsElements
{
	RcsBytes rest;
	bool named; /* the list is a member of an object */
	bool lone;	/* an object is the only element */
	bool cut;	/* it does not end as it should; known when the walk is over */
	int n;		/* elements so far */
	bool over;
} RcsElements;

/*
 * Looks at an object, or at what is there of one.  The value of the last member of this
 * name is all NULL if there is none, and goes on to the end of the bytes if it has no
 * end of its own.  False: the object does not end as it should.
 */
extern bool rcs_split_member(RcsBytes object, const char *name, RcsBytes *value);

/*
 * Begins with an array, with an object whose member of this name is the list (an array,
 * or its only element), or with any other object, which is alone.  False: it is nothing
 * of these.
 */
extern bool rcs_split_begin(RcsElements *e, RcsBytes bytes, const char *name);

/*
 * The next element, whatever it is.  When the list does not go on as one, all that is
 * left is the last element, and e->cut is set.
 */
extern bool rcs_split_next(RcsElements *e, RcsBytes *element);

#endif /* RCS_FOREIGN_SPLIT_H */
