/*
 * answer_http.c
 *		The answer to a request.
 *
 * These functions are called inside of libmicrohttpd too, so they use malloc and raise
 * nothing.  This file must not
 * know how an answer is sent.
 */
#include "postgres.h"

#include "listener/answer_http.h"

#define JSON_TYPE "application/json; charset=utf-8"

void
rcs_answer_forget(RcsExchange *x)
{
	if (!x->answer_is_constant)
		free(x->answer);
	x->answer = NULL;
	x->answer_len = 0;
	x->status = 0;
	x->nheaders = 0;
}

void
rcs_answer_constant(RcsExchange *x, int status, const char *content_type, const void *data,
					size_t len)
{
	rcs_answer_forget(x);
	x->status = status;
	x->content_type = content_type;
	x->answer = unconstify(void *, data);
	x->answer_len = len;
	x->answer_is_constant = true;
}

void
rcs_answer_text(RcsExchange *x, int status, const char *content_type, const char *text)
{
	size_t len = strlen(text);
	char *copy = malloc(len + 1);

	rcs_answer_constant(x, status, content_type, "", 0);
	if (copy == NULL)
	{
		x->status = 503;
		return;
	}
	memcpy(copy, text, len + 1);
	x->answer = copy;
	x->answer_len = len;
	x->answer_is_constant = false;
}

void
rcs_answer_json(RcsExchange *x, int status, const char *json)
{
	rcs_answer_text(x, status, JSON_TYPE, json);
}

void
rcs_answer_status(RcsExchange *x, int status)
{
	char json[32];

	snprintf(json, sizeof(json), "{\"status\":\"%d\"}", status);
	rcs_answer_json(x, status, json);
}

void
rcs_answer_header(RcsExchange *x, const char *name, const char *value)
{
	if (x->nheaders == RCS_MAX_ANSWER_HEADERS)
		return;
	x->headers[x->nheaders][0] = name;
	x->headers[x->nheaders++][1] = value;
}
