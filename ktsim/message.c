/*
 * message.c
 *	  The message endpoint: one offer, judged and written down.
 *
 * The order of the checks is that of the carrier as far as it is known.  Knows
 * nothing of sockets: it says what to reply, the server does it.
 */
#include "sim.h"

#include <string.h>

#include "check.h"
#include "faults.h"

#define US_PER_MS UINT64_C(1000)
#define US_PER_S UINT64_C(1000000)

typedef struct Verdict
{
	SimReply reply;
	SimDecision decision;
	const char *code;
	uint64_t hold_us; /* the report comes before the answer */
} Verdict;

/* Always two throws, so that what a seed gives does not depend on switches. */
static uint64_t
roll_delay(Sim *sim, bool *slow)
{
	const SimSwitches *switches = &sim->switches;
	double jitter = sim_random_below(&sim->random, (double) switches->latency_jitter_ms);
	uint64_t delay_us;

	*slow = sim_random_below(&sim->random, 100) < switches->slow_pct;
	delay_us = (uint64_t) switches->latency_ms * US_PER_MS + (uint64_t) (jitter * US_PER_MS);
	return delay_us + (*slow ? (uint64_t) switches->slow_ms * US_PER_MS : 0);
}

static Verdict
refuse(SimDecision decision, const char *code)
{
	return (Verdict){.reply = sim_answer_code(code), .decision = decision, .code = code};
}

/* The carrier never sees it. */
static Verdict
fail_early(Sim *sim, SimFault fault)
{
	Verdict verdict = {.reply = sim_fault_reply(sim, fault)};

	verdict.decision = sim_fault_decision(fault, &verdict.code);
	return verdict;
}

/* The message is the carrier's from here on, whatever the client gets to hear. */
static Verdict
accept_message(Sim *sim, SimAccount *account, SimFault fault, const json_t *root,
			   const char *report_code)
{
	const char *reply_id =
		json_string_value(json_object_get(json_object_get(root, "rcs"), "replyId"));
	Verdict verdict = {.decision = SIM_ACCEPTED};

	account->quota_used++;
	if (reply_id != NULL)
		sim_inbound_use(&sim->inbound, reply_id);
	verdict.hold_us = sim_report_make(sim, account, root, report_code);
	verdict.reply = sim_fault_reply(sim, fault);
	return verdict;
}

/* The code that the switches hold for this number, or NULL. */
static const char *
code_for_phone(const SimSwitches *switches, const char *phone)
{
	const json_t *code = json_object_get(switches->phone_code, phone);
	const char *suffix;
	json_t *value;

	if (code != NULL)
		return json_string_value(code);
	json_object_foreach(switches->refuse_phone_suffix, suffix, value)
	{
		size_t len = strlen(suffix);

		if (len <= strlen(phone) && strcmp(phone + strlen(phone) - len, suffix) == 0)
			return json_string_value(value);
	}
	return NULL;
}

typedef struct FileQuestion
{
	const Sim *sim;
	const SimAccount *account;
	uint64_t now_us;
} FileQuestion;

/* May this account name this file in a message now? */
static bool
file_ready(const char *file_id, void *context)
{
	const FileQuestion *question = context;
	const SimFile *file = sim_file_find(&question->sim->files, question->account->id, file_id);

	return file != NULL && question->now_us < file->expires_us;
}

/*
 * Does a chat message answer a message that there was?  What carriers find out
 * rather than the relay may come in the report instead.
 */
static const char *
check_reply(const Sim *sim, const json_t *root, const char **report_code)
{
	const json_t *rcs = json_object_get(root, "rcs");
	const char *reply_id = json_string_value(json_object_get(rcs, "replyId"));
	SimReplyOffer offer = {reply_id,
						   json_string_value(
							   json_object_get(json_object_get(root, "common"), "userContact")),
						   json_string_value(json_object_get(rcs, "chatbotId"))};
	const char *code = NULL;

	if (reply_id != NULL && reply_id[0] != '\0')
		code = sim_inbound_check(&sim->inbound, &sim->switches, &offer);
	if (code == NULL || code[0] != '5' || !sim->switches.reply_id_late)
		return code;
	*report_code = code;
	return NULL;
}

/* Everything after the duplicate check. */
static const char *
check_content(const Sim *sim, const SimAccount *account, const json_t *root, const SimCall *call,
			  const char **report_code)
{
	const json_t *rcs = json_object_get(root, "rcs");
	const char *chatbot = json_string_value(json_object_get(rcs, "chatbotId"));
	const char *code = sim_check_rcs(rcs);
	FileQuestion question = {sim, account, sim_epoch_us()};

	if (code == NULL && sim->chatbots != NULL && json_object_get(sim->chatbots, chatbot) == NULL)
		code = "72122";
	if (code == NULL)
		code = check_reply(sim, root, report_code);
	if (code == NULL)
		code = sim_check_sizes(rcs, call->body_len);
	if (code == NULL && sim->switches.check_media)
		code = sim_check_media(rcs, file_ready, &question);
	if (code == NULL)
		code = sim_check_legacy(root);
	return code;
}

static Verdict
judge_message(Sim *sim, SimAccount *account, const SimCall *call, const json_t *root,
			  SimFault fault)
{
	const json_t *common = json_object_get(root, "common");
	uint64_t now_s = sim_epoch_us() / US_PER_S;
	const char *code = call->body_cut ? "72117" : sim_check_envelope(root);
	const char *report_code = NULL;
	SimIdKey key;

	if (code == NULL)
		code = sim_check_common(common);
	if (code != NULL)
		return refuse(SIM_REFUSED, code);
	key = sim_id_key(account->id, json_string_value(json_object_get(common, "msgId")));
	if (sim_ids_known(&sim->ids, key, now_s, (uint64_t) sim->switches.dup_window_s))
		return refuse(SIM_DUPLICATE, "71003");
	code = check_content(sim, account, root, call, &report_code);
	if (code == NULL)
		code = code_for_phone(&sim->switches,
							  json_string_value(json_object_get(common, "userContact")));
	if (code == NULL && sim->switches.quota > 0 &&
		account->quota_used >= (uint64_t) sim->switches.quota)
		code = "72105";
	if (code == NULL && fault == SIM_F_ERROR_CODE)
		code = sim->switches.error_code;
	if (code != NULL)
		return refuse(SIM_REFUSED, code);
	sim_ids_remember(&sim->ids, key, now_s);
	return accept_message(sim, account, fault, root, report_code);
}

/* Every message of the account is refused with this code. */
static Verdict
refuse_account(const Sim *sim, const char *code)
{
	Verdict verdict =
		refuse(code[0] == '7' && code[1] == '0' && code[2] == '0' ? SIM_TOKEN : SIM_REFUSED, code);

	if (strcmp(code, SIM_CODE_THROTTLED) != 0)
		return verdict;
	verdict.decision = SIM_THROTTLED;
	verdict.reply = sim_answer_throttled((uint64_t) sim->switches.retry_after_ms);
	return verdict;
}

static Verdict
judge(Sim *sim, SimAccount *account, const char *token_code, const SimCall *call,
	  const json_t *root)
{
	SimFault fault = sim_fault_roll(sim);
	uint64_t lockout_us = (uint64_t) sim->switches.lockout_ms * US_PER_MS;
	const char *code;

	if (SIM_FAULT_IS_EARLY(fault))
		return fail_early(sim, fault);
	if (token_code != NULL)
		return refuse(SIM_TOKEN, token_code);
	code = json_string_value(json_object_get(sim->switches.account_code, account->id));
	if (code != NULL)
		return refuse_account(sim, code);
	if (!sim_account_pass(account, sim_clock_us(), lockout_us, sim->switches.neighbour_pct))
		return refuse(SIM_THROTTLED, SIM_CODE_THROTTLED);
	return judge_message(sim, account, call, root, fault);
}

/* What the ledger can say of an offer before it is judged. */
static void
describe(SimOffer *offer, const SimAccount *account, const SimCall *call, const json_t *root)
{
	const json_t *common = json_object_get(root, "common");
	const json_t *rcs = json_object_get(root, "rcs");

	offer->time_us = sim_epoch_us();
	offer->account = account ? account->id : "-";
	sim_field_set(offer->msg_id, json_string_value(json_object_get(common, "msgId")));
	sim_field_set(offer->phone, json_string_value(json_object_get(common, "userContact")));
	sim_field_set(offer->chatbot, json_string_value(json_object_get(rcs, "chatbotId")));
	offer->body = call->body;
	offer->body_len = call->body_len;
}

static void
count(SimCounts *counts, SimDecision decision)
{
	counts->offers++;
	counts->by_decision[decision]++;
}

SimReply
sim_message(Sim *sim, const SimCall *call)
{
	SimAccount *account;
	const char *token_code = sim_token_use(&sim->accounts, call->authorization, sim_clock_us(),
										   (uint64_t) sim->switches.token_every, &account);
	json_t *root = call->body_cut ? NULL : json_loadb(call->body, call->body_len, 0, NULL);
	SimOffer offer;
	Verdict verdict;
	bool slow;

	describe(&offer, account, call, root);
	verdict = judge(sim, account, token_code, call, root);
	verdict.reply.delay_us = roll_delay(sim, &slow) + verdict.hold_us;
	offer.decision = verdict.decision;
	offer.code = verdict.code;
	offer.status = verdict.reply.status;
	offer.answered = verdict.reply.action != SIM_ANSWER ? "no" : slow ? "late" : "yes";
	sim_ledger_write(&sim->ledger, &offer);
	count(&sim->stats.counts, verdict.decision);
	if (account != NULL)
		count(&account->counts, verdict.decision);
	json_decref(root);
	return verdict.reply;
}
