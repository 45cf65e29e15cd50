/*
 * odd.c
 *	  Well-formed HTTP answers with a body that is hard to digest.
 *
 * Each is made when first wanted and shared from then on.  Knows forms; not
 * when which answer is due.
 */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH ((size_t) 100000)
#define DIGITS ((size_t) 100000)
#define BOMB_FILLER ((size_t) 100000)

typedef struct Text
{
	char *bytes;
	size_t len;
} Text;

/* The beginning, one byte many times, another as often, and the end. */
static Text
stretched(const char *begin, size_t begin_len, char fill, char other, size_t times, const char *end,
		  size_t end_len)
{
	size_t others = other != '\0' ? times : 0;
	Text text = {.len = begin_len + times + others + end_len};

	text.bytes = sim_alloc(text.len);
	memcpy(text.bytes, begin, begin_len);
	memset(text.bytes + begin_len, fill, times);
	memset(text.bytes + begin_len + times, other, others);
	memcpy(text.bytes + begin_len + times + others, end, end_len);
	return text;
}

static Text
plain(const char *bytes)
{
	return stretched(bytes, strlen(bytes), 0, 0, 0, "", 0);
}

/*
 * One deflate block whose code for "258 more of the same, from one byte before"
 * is two zero bits: each zero byte of the filler becomes 1,032 blanks.
 */
static Text
gzip_bomb(void)
{
	static const char begin[] = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xed\xe0\x81\x00\x00\x00"
								"\x00\x80\x20\xa8\xec\x4f\xb9\x48\x05";
	static const char end[] = "\x03\x0f\x94\x20\xcb\x05\xb7\x26\x06";

	return stretched(begin, sizeof(begin) - 1, 0, 0, BOMB_FILLER, end, sizeof(end) - 1);
}

static Text
make_text(SimOdd kind)
{
	static const char open[] = "{\"status\":\"200\",\"data\":{\"n\":";

	switch (kind)
	{
		case SIM_ODD_GZIP_BOMB:
			return gzip_bomb();
		case SIM_ODD_TRUNCATED:
			return plain("{\"status\":\"200\",\"da");
		case SIM_ODD_HTML:
			return plain("<!DOCTYPE html>\r\n<html><head><title>Welcome</title></head>\r\n"
						 "<body>Please log in to use this network.</body></html>\r\n");
		case SIM_ODD_DEEP:
			return stretched(open, sizeof(open) - 1, '[', ']', DEPTH, "}}", 2);
		case SIM_ODD_DIGITS:
			return stretched(open, sizeof(open) - 1, '7', '\0', DIGITS, "}}", 2);
		case SIM_ODD_DUPLICATE_KEYS:
		case SIM_ODDS:
			break;
	}
	return plain("{\"status\":\"500\",\"data\":[],\"status\":\"200\",\"data\":{}}");
}

static struct MHD_Response *kept[SIM_ODDS];

static struct MHD_Response *
make_response(SimOdd kind)
{
	Text text = make_text(kind);
	struct MHD_Response *response;

	response = MHD_create_response_from_buffer(text.len, text.bytes, MHD_RESPMEM_MUST_FREE);
	if (response == NULL)
		sim_fatal("out of memory");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
							kind == SIM_ODD_HTML ? "text/html" : SIM_TYPE_JSON);
	if (kind == SIM_ODD_GZIP_BOMB)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
	return response;
}

SimReply
sim_answer_odd(SimOdd kind)
{
	if (kept[kind] == NULL)
		kept[kind] = make_response(kind);
	return (SimReply){.action = SIM_ANSWER, .status = 200, .response = kept[kind], .shared = true};
}

void
sim_odd_free(void)
{
	for (int i = 0; i < SIM_ODDS; i++)
	{
		if (kept[i] != NULL)
			MHD_destroy_response(kept[i]);
		kept[i] = NULL;
	}
}
