/*
 * console_file.c
 *		The files of the web console, which are built into the library.
 *
 * A browser asks each time whether a file is still the same; the tag that tells it
 * is made of the file's content.  Scripts, styles and pictures may come from here
 * only; a script that stands in the page itself is not run.
 *
 * This file must not know the content of the files.
 */
#include "postgres.h"

#include "common/hashfn.h"

#include "listener/answer_http.h"
#include "listener/console.h"

#define CONSOLE_TEXT(text) text, sizeof(text) - 1
#define TAG_LEN 20

#define POLICY                                                                  \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " \
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

typedef struct ConsoleText
{
	const char *path;
	const char *type;
	const char *text;
	size_t len;
} ConsoleText;

#include "listener/console_files.h"

static char tags[lengthof(console_texts)][TAG_LEN];

static const char *
tag_of(size_t i)
{
	const ConsoleText *file = &console_texts[i];

	if (tags[i][0] == '\0')
		snprintf(tags[i], TAG_LEN, "\"%016llx\"",
				 (unsigned long long) hash_bytes_extended((const unsigned char *) file->text,
														  (int) file->len, 0));
	return tags[i];
}

static void
answer_file(RcsExchange *x, size_t i)
{
	const char *known = rcs_exchange_header(x, "If-None-Match");

	if (known != NULL && strstr(known, tag_of(i)) != NULL)
		rcs_answer_constant(x, 304, console_texts[i].type, "", 0);
	else
		rcs_answer_constant(x, 200, console_texts[i].type, console_texts[i].text,
							console_texts[i].len);
	rcs_answer_header(x, "ETag", tag_of(i));
	rcs_answer_header(x, "Cache-Control", "no-cache");
	rcs_answer_header(x, "Content-Security-Policy", POLICY);
	rcs_answer_header(x, "X-Frame-Options", "DENY");
	rcs_answer_header(x, "Referrer-Policy", "no-referrer");
	rcs_answer_header(x, "Cross-Origin-Resource-Policy", "same-origin");
}

void
rcs_console_file(RcsExchange *x)
{
	for (size_t i = 0; i < lengthof(console_texts); i++)
	{
		if (strcmp(console_texts[i].path, x->path) == 0)
		{
			answer_file(x, i);
			return;
		}
	}
	rcs_answer_status(x, 404);
}
