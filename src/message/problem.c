/*
 * problem.c
 *		Why a message or an argument is refused: raised as an error of SQL.
 *
 * A caller that records problems instead of raising them reads the struct.
 */
#include "postgres.h"

#include "message/problem.h"

void
rcs_problem_raise(const RcsProblem *problem)
{
	ereport(ERROR, (errcode(problem->sqlstate), errmsg("%s", problem->reason),
					problem->detail ? errdetail("%s.", problem->detail) : 0,
					problem->hint ? errhint("%s", problem->hint) : 0));
}
