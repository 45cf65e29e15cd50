/*
 * question.h
 *		One question to the carrier about reports.  For poll.c.
 */
#ifndef RCS_QUESTION_H
#define RCS_QUESTION_H

#include "report/polled_accounts.h"

extern void rcs_question_ask(RcsPoll *p, int64 now_us, int64 *wait_us);
extern void rcs_question_done(RcsPoll *p);
extern void rcs_question_store(RcsPoll *p, int64 now_us);
extern void rcs_question_write_problem(RcsPoll *p, int64 now_us);

#endif /* RCS_QUESTION_H */
