/*
 * judge.h
 *		Judges whether a campaign's message is valid for one recipient.
 */
#ifndef RCS_JUDGE_H
#define RCS_JUDGE_H

#include "account/chatbot.h"
#include "campaign/campaign.h"

typedef struct RcsJudge RcsJudge;

/* In the current memory context.  An error if the message is no longer valid for any recipient. */
extern RcsJudge *rcs_judge_new(const RcsCampaign *c, const RcsChatbot *bot, Jsonb *message);

/* False: not valid; with the code for rcs.rejected and the reason. */
extern bool rcs_judge_params(RcsJudge *judge, Jsonb *params, const char **code,
							 const char **reason);

#endif /* RCS_JUDGE_H */
