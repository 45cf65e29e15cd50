/*
 * problem.h
 *		Why a message or an argument is refused, as a value.
 */
#ifndef RCS_PROBLEM_H
#define RCS_PROBLEM_H

typedef struct RcsProblem
{
	const char *code; /* as in rcs.rejected: phone, message or param */
	int sqlstate;
	const char *reason; /* lower case, no final period */
	const char *detail; /* where and what, or NULL; no final period */
	const char *hint;	/* a full sentence, or NULL */
} RcsProblem;

/* The problem as an error of SQL. */
extern void rcs_problem_raise(const RcsProblem *problem);

#endif /* RCS_PROBLEM_H */
