/*
 * judge.c
 *		Judges whether a campaign's message is valid for one recipient.
 *
 * The parts without placeholders were checked when the campaign was created.
 * They are checked once more here, since the chatbot supplies some of them and
 * may have changed.  It must not know where recipients come from or how they are
 * stored.
 */
#include "postgres.h"

#include "account/chatbot.h"
#include "base/arguments.h"
#include "campaign/judge.h"
#include "message/check.h"
#include "message/draft.h"
#include "message/limits.h"
#include "message/recipient.h"
#include "message/template.h"

struct RcsJudge
{
	RcsTemplate *template;
	RcsForm *form; /* the checks that depend on the params of a recipient */
	RcsFacts facts;
	StringInfoData rendered; /* thrown away: only its length and success count */
};

RcsJudge *
rcs_judge_new(const RcsCampaign *c, const RcsChatbot *bot, Jsonb *message)
{
	RcsJudge *judge = palloc0(sizeof(RcsJudge));
	RcsCheckOptions options = {.facts = &judge->facts, .need_header = true, .is_template = true};
	List *faults;
	RcsProblem problem;

	judge->facts = rcs_chatbot_facts(bot);
	faults = rcs_message_faults(message, &options, &judge->form);
	if (faults != NIL)
	{
		rcs_message_problem(faults, &problem);
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("message of campaign \"%s\" is not valid any more", rcs_uuid_text(&c->id)),
				 errdetail("%s.", problem.detail),
				 errhint("Its chatbot has changed: set what is missing in rcs.chatbot.")));
	}
	judge->template = rcs_template_compile(&message->root, true);
	initStringInfo(&judge->rendered);
	return judge;
}

bool
rcs_judge_params(RcsJudge *judge, Jsonb *params, const char **code, const char **reason)
{
	JsonbContainer *values = params ? &params->root : NULL;
	const char *missing;
	RcsFault fault;

	*code = "too_long";
	*reason = rcs_params_fault(params);
	if (*reason != NULL)
		return false;
	*code = "param";
	if (params != NULL && !JB_ROOT_IS_OBJECT(params))
	{
		*reason = "params is not a JSON object";
		return false;
	}
	if (rcs_template_param_count(judge->template) == 0)
		return true;
	resetStringInfo(&judge->rendered);
	missing = rcs_template_render(judge->template, values, &judge->rendered);
	if (missing == rcs_template_too_long)
	{
		*code = "too_long";
		*reason = "the message is far too long with these values";
		return false;
	}
	if (missing != NULL)
	{
		*reason = psprintf("no usable value for placeholder #{%s}", missing);
		return false;
	}
	if (rcs_form_check(judge->form, values, judge->rendered.len, &fault))
		return true;
	*code = "message";
	*reason = rcs_fault_text(&fault);
	return false;
}
