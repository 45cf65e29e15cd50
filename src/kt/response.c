/*
 * response.c
 *	  The meaning of an answer of the carrier for one message.
 *
 * error.code decides; the HTTP status only where no code can be read, because
 * which status goes with which code is not documented.  An answer that
 * is neither a certain refusal nor a certain acceptance is UNKNOWN: the message may
 * have been accepted.  The operator's table of codes counts before ours.
 *
 * This file raises nothing and works outside a transaction.  Must not know
 * queues, curl, settings or shared memory.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/foreign_json.h"
#include "base/foreign_text.h"
#include "base/jsonb_members.h"
#include "kt/response.h"

#define MAX_TOKEN_BYTES 8192
#define DEFAULT_TOKEN_TTL_S 600
#define MAX_TOKEN_TTL_S (30 * 86400)
#define BACK_OFF_MS 1000

typedef struct RcsKtCode
{
	int code;
	char cls;
	bool account;
	const char *name;
} RcsKtCode;

#include "kt/kt_codes.h"

/* parsed answers live here, for the length of one call */
static MemoryContext scratch = NULL;

/* the last answer that was an acceptance: most are the same, byte by byte */
static char memo[512];
static size_t memo_len = 0;

/* what is being answered, for the length of one call; NULL: nothing is known of it */
static const RcsHttpRequest *asked = NULL;

/* ---------- reading ---------- */

static void
enter_scratch(MemoryContext *caller)
{
	if (scratch == NULL)
		scratch = AllocSetContextCreate(TopMemoryContext, "rcs answers", ALLOCSET_DEFAULT_SIZES);
	*caller = MemoryContextSwitchTo(scratch);
}

static void
leave_scratch(MemoryContext caller)
{
	MemoryContextSwitchTo(caller);
	MemoryContextReset(scratch);
}

/* 0: not a code */
static int
read_code(const char *text)
{
	if (text == NULL || text[0] == '\0' || strlen(text) > 9 ||
		strspn(text, "0123456789") != strlen(text))
		return 0;
	return atoi(text);
}

/* ---------- the reason ---------- */

static void
set_reason(RcsAnswer *out, const char *text)
{
	rcs_foreign_text_of_answer(out->reason, sizeof(out->reason), text, asked);
}

/* ---------- no answer ---------- */

static void
judge_transport(RcsHttpOutcome outcome, const char *error, RcsAnswer *out)
{
	bool timeout = strncmp(error, "timeout: ", 9) == 0;

	if (outcome == RCS_HTTP_NOT_SENT)
	{
		out->verdict = RCS_V_NOT_SENT;
		out->retry_after_ms = BACK_OFF_MS;
		strlcpy(out->code, "connection", sizeof(out->code));
	}
	else
	{
		out->verdict = RCS_V_UNKNOWN;
		strlcpy(out->code, timeout ? "timeout" : "cut", sizeof(out->code));
	}
	set_reason(out, timeout ? error + 9 : error);
}

/* ---------- the verdict of a code ---------- */

/* Both kinds of entries begin with the code. */
static int
compare_code(const void *key, const void *entry)
{
	int a = *(const int *) key;
	int b = *(const int *) entry;

	return a < b ? -1 : a > b;
}

static RcsVerdict
verdict_of_class(char cls, bool account)
{
	switch (cls)
	{
		case 'a':
			return RCS_V_TOKEN;
		case 'b':
			return RCS_V_THROTTLED;
		case 'c':
			return RCS_V_DUPLICATE;
		case 'd':
			return RCS_V_RETRY;
		case 'e':
			return RCS_V_FAILED;
		case 'f':
			return account ? RCS_V_ACCOUNT : RCS_V_FAILED;
	}
	return RCS_V_UNKNOWN;
}

static RcsVerdict
verdict_of_unknown_code(int status)
{
	if (status == 429)
		return RCS_V_THROTTLED;
	if (status == 401)
		return RCS_V_TOKEN;
	if (status >= 400 && status < 500)
		return RCS_V_FAILED;
	return RCS_V_UNKNOWN;
}

static void
judge_code(const RcsCodes *own, int code, int status, const char *message, RcsAnswer *out)
{
	const RcsKtCode *ours =
		bsearch(&code, rcs_kt_codes, lengthof(rcs_kt_codes), sizeof(RcsKtCode), compare_code);
	const RcsCode *theirs =
		own->n == 0 ? NULL : bsearch(&code, own->list, own->n, sizeof(RcsCode), compare_code);

	if (theirs != NULL)
		out->verdict = verdict_of_class(theirs->cls, theirs->account);
	else if (ours != NULL)
		out->verdict = verdict_of_class(ours->cls, ours->account);
	else
	{
		out->unknown_code = true;
		out->verdict = verdict_of_unknown_code(status);
	}
	snprintf(out->code, sizeof(out->code), "%d", code);
	set_reason(out, message && *message ? message
					: ours != NULL		? ours->name
					: theirs != NULL	? "no text, see rcs.result_code"
										: "a code that is not in rcs.result_code");
}

/* ---------- the verdict of an answer ---------- */

/*
 * An answer without a code may come from a proxy before the carrier, so it fails
 * no message.  With a status below 400 or above 499 the message may have been
 * accepted.
 */
static RcsVerdict
verdict_of_status(int status)
{
	if (status < 400 || status > 499)
		return RCS_V_UNKNOWN;
	switch (status)
	{
		case 401:
			return RCS_V_TOKEN;
		case 403:
		case 404:
			return RCS_V_ACCOUNT;
		case 429:
			return RCS_V_THROTTLED;
	}
	return RCS_V_RETRY;
}

static void
judge_answer(const RcsCodes *own, int status, const char *body, size_t len, RcsAnswer *out)
{
	MemoryContext caller;
	JsonbContainer *answer;
	JsonbContainer *error = NULL;
	char *message = NULL;
	char *said = NULL;
	int code = 0;

	enter_scratch(&caller);
	answer = rcs_foreign_json(body, len);
	if (answer != NULL)
	{
		said = rcs_member_text(answer, "status");
		error = rcs_member_object(answer, "error");
	}
	if (error != NULL)
	{
		code = read_code(rcs_member_text(error, "code"));
		message = rcs_member_text(error, "message");
	}

	if (code != 0)
		judge_code(own, code, status, message, out);
	else if (status == 200 && answer != NULL && !rcs_member_present(answer, "error") &&
			 (said ? strcmp(said, "200") == 0 : !rcs_member_present(answer, "status")))
		out->verdict = RCS_V_ACCEPTED;
	else
	{
		out->verdict = verdict_of_status(status);
		snprintf(out->code, sizeof(out->code), "http %d", status);
		set_reason(out, message && *message ? message
						: status == 200		? "the answer could not be read"
											: "the answer holds no code of the carrier");
	}
	if (out->verdict == RCS_V_RETRY || out->verdict == RCS_V_ACCOUNT)
		out->retry_after_ms = BACK_OFF_MS;
	leave_scratch(caller);
}

/* ---------- the calls ---------- */

void
rcs_kt_classify(const RcsCodes *own, const RcsHttpRequest *r, RcsAnswer *out)
{
	size_t len = r->answer_len;

	memset(out, 0, sizeof(*out));
	asked = r;
	if (r->outcome != RCS_HTTP_ANSWER)
	{
		judge_transport(r->outcome, r->error, out);
		return;
	}

	out->answered = true;
	if (r->status == 200 && len > 0 && len == memo_len && memcmp(r->answer, memo, len) == 0)
	{
		out->verdict = RCS_V_ACCEPTED;
		return;
	}
	judge_answer(own, r->status, r->answer, len, out);
	if (out->verdict == RCS_V_ACCEPTED && len <= sizeof(memo))
	{
		memcpy(memo, r->answer, len);
		memo_len = len;
	}
}

/*
 * NULL: none.  The token goes into a header, so only printable ASCII will do.
 * A life time that cannot be read is taken as short.
 */
static char *
usable_token(JsonbContainer *answer, long *ttl_s)
{
	JsonbContainer *data = rcs_member_object(answer, "data");
	JsonbContainer *info = data ? rcs_member_object(data, "tokenInfo") : NULL;
	char *token = info ? rcs_member_text(info, "accessToken") : NULL;
	int ttl;

	if (token == NULL || token[0] == '\0' || strlen(token) > MAX_TOKEN_BYTES ||
		rcs_member_present(answer, "error"))
		return NULL;
	for (const char *c = token; *c; c++)
		if (*c <= ' ' || *c > '~')
			return NULL;

	ttl = read_code(rcs_member_text(info, "expiresIn"));
	*ttl_s = ttl > 0 ? Min(ttl, MAX_TOKEN_TTL_S) : DEFAULT_TOKEN_TTL_S;
	return token;
}

bool
rcs_kt_parse_token(const RcsCodes *own, const RcsHttpRequest *r, char **token, long *ttl_s,
				   RcsAnswer *problem)
{
	MemoryContext caller;
	JsonbContainer *answer;
	char *text = NULL;

	memset(problem, 0, sizeof(*problem));
	problem->answered = true;
	asked = r;

	enter_scratch(&caller);
	answer = r->status == 200 ? rcs_foreign_json(r->answer, r->answer_len) : NULL;
	if (answer != NULL)
		text = usable_token(answer, ttl_s);
	if (text != NULL)
		*token = MemoryContextStrdup(caller, text);
	leave_scratch(caller);
	if (text != NULL)
		return true;

	judge_answer(own, r->status, r->answer, r->answer_len, problem);
	if (problem->verdict == RCS_V_ACCEPTED)
	{
		problem->verdict = RCS_V_UNKNOWN;
		strlcpy(problem->code, "http 200", sizeof(problem->code));
		set_reason(problem, "the answer holds no usable access token");
	}
	return false;
}
