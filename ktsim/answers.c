/*
 * answers.c
 *	  The bodies the carrier sends.
 *
 * Answers that repeat are made once and shared.  Knows forms; not when which
 * answer is due.
 */
#include "sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"

#define KEPT_MAX 64
#define GARBAGE_BYTES 64

typedef struct KeptAnswer
{
	char code[SIM_CODE_MAX + 1]; /* empty: no code in the body */
	unsigned status;
	struct MHD_Response *response;
} KeptAnswer;

static KeptAnswer kept[KEPT_MAX];
static size_t kept_count;

static struct MHD_Response *
make_response(const char *text, size_t len, const char *type)
{
	struct MHD_Response *response;

	response = MHD_create_response_from_buffer(len, (void *) text, MHD_RESPMEM_MUST_COPY);
	if (response == NULL)
		sim_fatal("out of memory");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	return response;
}

static struct MHD_Response *
make_carrier_response(unsigned status, const char *code)
{
	char text[256];
	int len;

	if (code[0] != '\0')
		len = snprintf(text, sizeof(text),
					   "{\"status\":\"%u\",\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}", status,
					   code, sim_code_text(code));
	else if (status == 200)
		len = snprintf(text, sizeof(text), "{\"status\":\"200\",\"data\":{}}");
	else
		len = snprintf(text, sizeof(text), "{\"status\":\"%u\"}", status);
	return make_response(text, (size_t) len, SIM_TYPE_JSON);
}

/* One of the answers that repeat: from the store, or made and put there. */
static SimReply
reply_kept(unsigned status, const char *code)
{
	SimReply reply = {.action = SIM_ANSWER, .status = status};
	size_t i = 0;

	while (i < kept_count && (kept[i].status != status || strcmp(kept[i].code, code) != 0))
		i++;
	if (i < kept_count)
	{
		reply.response = kept[i].response;
		reply.shared = true;
		return reply;
	}
	reply.response = make_carrier_response(status, code);
	if (kept_count < KEPT_MAX)
	{
		snprintf(kept[kept_count].code, sizeof(kept[0].code), "%s", code);
		kept[kept_count].status = status;
		kept[kept_count++].response = reply.response;
		reply.shared = true;
	}
	return reply;
}

SimReply
sim_answer_accepted(void)
{
	return reply_kept(200, "");
}

SimReply
sim_answer_code(const char *code)
{
	return reply_kept(sim_code_status(code), code);
}

/* A status and nothing to learn from: no code. */
SimReply
sim_answer_status(unsigned status)
{
	return reply_kept(status, "");
}

/* What a proxy in front of the carrier says when it cannot reach it. */
SimReply
sim_answer_html(void)
{
	static const char page[] =
		"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n"
		"<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n";

	return (SimReply){.action = SIM_ANSWER,
					  .status = 502,
					  .response = make_response(page, sizeof(page) - 1, "text/html")};
}

/* Seconds are all that the header can say: rounded up. */
SimReply
sim_answer_throttled(uint64_t retry_after_ms)
{
	SimReply reply = {.action = SIM_ANSWER, .status = sim_code_status(SIM_CODE_THROTTLED)};
	char seconds[24];

	if (retry_after_ms == 0)
		return sim_answer_code(SIM_CODE_THROTTLED);
	reply.response = make_carrier_response(reply.status, SIM_CODE_THROTTLED);
	snprintf(seconds, sizeof(seconds), "%" PRIu64, (retry_after_ms + 999) / 1000);
	MHD_add_response_header(reply.response, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
	return reply;
}

SimReply
sim_answer_garbage(SimRandom *random)
{
	char bytes[GARBAGE_BYTES];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char) sim_random_next(random);
	return (SimReply){.action = SIM_ANSWER,
					  .status = 200,
					  .response = make_response(bytes, sizeof(bytes), SIM_TYPE_JSON)};
}

/* Said to be JSON, whatever they are. */
SimReply
sim_answer_bytes(unsigned status, const char *bytes, size_t len)
{
	return (SimReply){.action = SIM_ANSWER,
					  .status = status,
					  .response = make_response(bytes, len, SIM_TYPE_JSON)};
}

/* Takes over the object. */
SimReply
sim_answer_json(unsigned status, json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);
	SimReply reply = {.action = SIM_ANSWER, .status = status};

	if (text == NULL)
		sim_fatal("out of memory");
	reply.response = make_response(text, strlen(text), SIM_TYPE_JSON);
	free(text);
	json_decref(object);
	return reply;
}

void
sim_answers_free(void)
{
	while (kept_count > 0)
		MHD_destroy_response(kept[--kept_count].response);
}
