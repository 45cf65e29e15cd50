/*
 * question.c
 *		One question to the carrier about reports: asked, answered or refused, stored.
 *
 * The carrier hands a result out once.  So the id of a question is on disk before the
 * question is asked, and the answer is on disk before the next question is asked.  A
 * repeated id asks for the same answer once more.  No transaction is open while an
 * answer is under way.
 *
 * This file must not know SQL, or what a report says.
 */
#include "postgres.h"

#include "utils/json.h"
#include "utils/memutils.h"

#include "base/fault_point.h"
#include "base/monotonic.h"
#include "process/guc.h"
#include "process/txn.h"
#include "report/question.h"

#define ANSWER_MAX (32 * 1024 * 1024)
#define PART 200 /* reports stored at once: singles do not wait for more */
#define SHORTEST_PAUSE SECOND
#define LONGEST_PAUSE (5 * SECOND) /* while there are no results */
#define BACK_OFF SECOND
#define BACK_OFF_LIMIT (5 * SECOND) /* when the carrier says that it is asked too often */
#define BACK_OFF_MAX (30 * SECOND)
#define WRONG_MODE_PAUSE (60 * SECOND)
#define MESSAGE_PAUSE (SECOND / 5)
#define NO_MESSAGES_PAUSE (86400 * SECOND)
#define TOKEN_POLL (SECOND / 10)

static int flying = 0;

/* ---------- what is on disk ---------- */

static void
make_id(char id[RCS_QUERY_ID_SIZE])
{
	unsigned char bytes[16];
	int len = snprintf(id, RCS_QUERY_ID_SIZE, "rcs");

	if (!pg_strong_random(bytes, sizeof(bytes)))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not make a random id")));
	for (int i = 0; i < (int) sizeof(bytes); i++)
		len += snprintf(id + len, RCS_QUERY_ID_SIZE - len, "%02x", bytes[i]);
}

static void
write_id(void *arg)
{
	RcsPoll *p = arg;

	make_id(p->next_id);
	rcs_poll_write_id(p->account->server, p->next_id);
}

static void
write_problem(void *arg)
{
	RcsPoll *p = arg;

	rcs_poll_write_problem(p->account->server, p->problem[0] != '\0' ? p->problem : NULL);
}

/* Stores the next part of the answer. */
static void
store(void *arg)
{
	RcsPoll *p = arg;
	RcsPollPart part = {.server = p->account->server,
						.answer = p->request.answer,
						.len = p->request.answer_len,
						.first = p->stored,
						.most = PART,
						.give_up = p->failures >= RCS_POLL_BLIPS};

	if (!p->about_message)
	{
		if (p->stored == 0)
			make_id(p->next_id);
		part.next_id = p->next_id;
	}
	rcs_poll_store(&part);
	p->n = part.readable ? part.n : -1;
	p->more = part.more;
}

static bool
run(RcsPoll *p, void (*body)(void *), int64 now_us)
{
	if (rcs_txn_run(body, p))
		return true;
	p->again_us = now_us + SECOND;
	return false;
}

void
rcs_question_write_problem(RcsPoll *p, int64 now_us)
{
	if (run(p, write_problem, now_us))
		p->problem_changed = false;
}

/* ---------- when it goes on ---------- */

static void
back_off(RcsPoll *p, int64 first_us, int64 least_us, int64 now_us)
{
	int64 pause = Max(Min(first_us << Min(p->failures, 10), BACK_OFF_MAX), least_us);

	p->failures++;
	p->results_at_us = Max(p->results_at_us, now_us + pause);
	p->overdue_at_us = Max(p->overdue_at_us, now_us + pause);
}

static void
back_off_refused(RcsPoll *p, const RcsAnswer *answer, int64 now_us)
{
	if (answer->verdict == RCS_V_THROTTLED)
		back_off(p, BACK_OFF_LIMIT, answer->retry_after_ms * (SECOND / 1000), now_us);
	else
		back_off(p, BACK_OFF, 0, now_us);
}

static void
drop_id(RcsPoll *p)
{
	p->query_id[0] = '\0';
	p->retry = false;
}

static void
next_message(RcsPoll *p, int64 now_us)
{
	pfree(linitial(p->overdue));
	p->overdue = list_delete_first(p->overdue);
	p->overdue_at_us = now_us + MESSAGE_PAUSE;
}

static void
release(RcsPoll *p)
{
	rcs_http_release(&p->request);
	MemoryContextReset(p->cxt);
	p->state = RCS_POLL_IDLE;
}

/* All of the answer is on disk. */
static void
stored_all(RcsPoll *p, int64 now_us)
{
	release(p);
	p->failures = 0;
	if (p->about_message)
	{
		next_message(p, now_us);
		return;
	}
	strlcpy(p->query_id, p->next_id, sizeof(p->query_id));
	p->retry = false;
	p->reports = p->reports || p->n > 0;
	p->problem[0] = '\0';
	p->problem_changed = false;
	p->pause_us = p->n > 0 ? SHORTEST_PAUSE : Min(p->pause_us + SECOND, LONGEST_PAUSE);
	p->results_at_us = p->more ? now_us : now_us + p->pause_us;
	RCS_FAULT("poll-stored");
}

void
rcs_question_store(RcsPoll *p, int64 now_us)
{
	RCS_FAULT("poll-answered");
	if (!run(p, store, now_us))
		return;
	if (p->n < 0)
	{
		release(p);
		p->retry = true;
		back_off(p, BACK_OFF, 0, now_us);
		return;
	}
	p->stored += PART;
	if (p->stored >= p->n)
		stored_all(p, now_us);
}

/* ---------- refusals ---------- */

static void
note_problem(RcsPoll *p, const RcsAnswer *answer, bool at_once)
{
	if (!at_once && p->failures <= RCS_POLL_BLIPS)
		return;
	rcs_poll_problem(p, psprintf("no reports: %s%s%s", answer->code, answer->code[0] ? " " : "",
								 answer->reason));
}

/* The carrier refused a question about results. */
static void
results_refused(RcsPoll *p, const RcsAnswer *answer, int64 now_us)
{
	bool wrong_mode = strcmp(answer->code, "79010") == 0;
	bool definite = answer->verdict == RCS_V_FAILED || answer->verdict == RCS_V_ACCOUNT;

	if (strcmp(answer->code, "60004") == 0)
	{
		/* the carrier has no results */
		drop_id(p);
		p->failures = 0;
		p->results_at_us = now_us + LONGEST_PAUSE;
		return;
	}
	back_off_refused(p, answer, now_us);
	if (strcmp(answer->code, "79007") == 0 || (definite && p->retry && !wrong_mode))
	{
		/* the id is used up, or its answer cannot be repeated */
		if (p->retry)
			ereport(
				LOG,
				(errmsg("the carrier cannot repeat an answer about results of server \"%s\": %s %s",
						p->account->server, answer->code, answer->reason)));
		if (p->failures == 1)
			p->results_at_us = now_us;
		drop_id(p);
	}
	else if (answer->verdict == RCS_V_UNKNOWN)
		p->retry = true;
	if (wrong_mode)
		p->results_at_us = Max(p->results_at_us, now_us + WRONG_MODE_PAUSE);
	note_problem(p, answer, wrong_mode || (definite && !p->retry && p->query_id[0] != '\0'));
}

static void
message_refused(RcsPoll *p, const RcsAnswer *answer, int64 now_us)
{
	if (strcmp(answer->code, "79010") == 0)
	{
		/* the carrier need not answer for an account whose reports are pushed */
		list_free_deep(p->overdue);
		p->overdue = NIL;
		p->overdue_at_us = now_us + NO_MESSAGES_PAUSE;
		return;
	}
	if (answer->verdict == RCS_V_FAILED || answer->verdict == RCS_V_DUPLICATE)
	{
		next_message(p, now_us);
		return;
	}
	back_off_refused(p, answer, now_us);
}

/* True when the answer can be read, also when the classifier does not know it. */
static bool
is_answer(const RcsPoll *p, const RcsAnswer *answer)
{
	return p->request.outcome == RCS_HTTP_ANSWER && p->request.status == 200 &&
		   (answer->verdict == RCS_V_ACCEPTED || strcmp(answer->code, "http 200") == 0);
}

static void
judge(RcsPoll *p, int64 now_us)
{
	RcsAnswer answer;

	rcs_answer_classify(p->account, &p->request, &answer);
	if (is_answer(p, &answer))
	{
		rcs_token_worked(p->account, p->token_serial);
		p->stored = 0;
		p->state = RCS_POLL_ANSWERED;
		return;
	}
	release(p);
	if (answer.verdict == RCS_V_TOKEN)
	{
		rcs_token_refused(p->account, p->token_serial, answer.reason);
		back_off(p, TOKEN_POLL, 0, now_us);
	}
	else
	{
		rcs_token_unproven(p->account);
		if (p->about_message)
			message_refused(p, &answer, now_us);
		else
			results_refused(p, &answer, now_us);
	}
}

/* ---------- questions ---------- */

static void
add_member(StringInfo s, const char *name, const char *value)
{
	appendStringInfo(s, "%s\"%s\":", s->len > 1 ? "," : "", name);
	escape_json(s, value);
}

static void
ask(RcsPoll *p, int64 now_us)
{
	RcsAccount *a = p->account;
	RcsHttpRequest *r = &p->request;
	MemoryContext old = MemoryContextSwitchTo(p->cxt);
	StringInfoData body;

	initStringInfo(&body);
	appendStringInfoChar(&body, '{');
	add_member(&body, "queryType", p->about_message ? "msgId" : "rcsId");
	add_member(&body, "rcsId", a->options->rcs_id);
	if (p->about_message)
		add_member(&body, "msgId", linitial(p->overdue));
	else
		add_member(&body, "queryId", p->query_id);
	if (!p->about_message && p->retry)
		add_member(&body, "retryYn", "Y");
	appendStringInfoChar(&body, '}');

	memset(r, 0, sizeof(*r));
	r->url = psprintf("%s/querymsgstatus", a->options->query_url);
	r->ca_file = a->options->ca_file;
	r->bearer = a->token;
	r->body = body.data;
	r->body_len = body.len;
	r->answer_max = ANSWER_MAX;
	r->timeout_ms = rcs_request_timeout;
	MemoryContextSwitchTo(old);
	p->token_serial = a->token_serial;
	rcs_token_used(a, now_us);
	RCS_FAULT("poll-asks");
	if (!rcs_http_start(r))
	{
		judge(p, now_us);
		return;
	}
	p->state = RCS_POLL_FLYING;
	flying++;
}

static bool
id_on_disk(RcsPoll *p, int64 now_us)
{
	if (p->query_id[0] != '\0')
		return true;
	if (!run(p, write_id, now_us))
		return false;
	strlcpy(p->query_id, p->next_id, sizeof(p->query_id));
	return true;
}

/* Asks the next question of an account, if one is due. */
void
rcs_question_ask(RcsPoll *p, int64 now_us, int64 *wait_us)
{
	bool results = p->by_query && p->claimed != 0;
	int64 at_us = results ? p->results_at_us : INT64_MAX;
	bool probe;
	int64 wait;

	p->about_message = now_us < at_us;
	if (p->overdue != NIL)
		at_us = Min(at_us, p->overdue_at_us);
	if (at_us == INT64_MAX)
		return;
	if (now_us < at_us)
		*wait_us = Min(*wait_us, at_us - now_us);
	else if (flying >= RCS_POLL_QUESTIONS)
		*wait_us = Min(*wait_us, TOKEN_POLL);
	else if (!rcs_account_usable(p->account, now_us, &probe, &wait))
		*wait_us = Min(*wait_us, SECOND);
	else if (!rcs_token_ready(p->account, now_us))
		*wait_us = Min(*wait_us, TOKEN_POLL);
	else if (p->about_message || id_on_disk(p, now_us))
		ask(p, now_us);
}

/* The request of the account has ended. */
void
rcs_question_done(RcsPoll *p)
{
	flying--;
	judge(p, rcs_now_us());
}
