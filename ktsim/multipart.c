/*
 * multipart.c
 *	  The parts of a multipart/form-data body (RFC 7578, RFC 2046).
 *
 * Bounded, and a pure function of the bytes; nothing is copied but names.
 * Knows nothing of what the parts mean, nor of HTTP beyond the one header.
 */
#define _GNU_SOURCE
#include "multipart.h"

#include <string.h>
#include <strings.h>

#define BOUNDARY_MAX 70
#define HEADERS_MAX ((size_t) 4096) /* of one part */
#define WORD_MAX HEADERS_MAX

/* What is left to read. */
typedef struct Span
{
	const char *at;
	const char *end;
} Span;

typedef struct Parameter
{
	char name[SIM_PART_NAME_MAX + 1];
	char value[WORD_MAX + 1];
} Parameter;

static size_t
left(const Span *span)
{
	return (size_t) (span->end - span->at);
}

static void
skip_blanks(Span *span)
{
	while (span->at < span->end && (*span->at == ' ' || *span->at == '\t'))
		span->at++;
}

static bool
skip_text(Span *span, const char *text)
{
	size_t len = strlen(text);

	if (left(span) < len || memcmp(span->at, text, len) != 0)
		return false;
	span->at += len;
	return true;
}

/* A token of RFC 9110; false when there is none, or too long a one. */
static bool
read_token(Span *span, char *token, size_t max)
{
	static const char specials[] = "()<>@,;:\\\"/[]?={}";
	size_t len = 0;

	while (span->at < span->end && (unsigned char) *span->at > ' ' &&
		   (unsigned char) *span->at < 0x7f && strchr(specials, *span->at) == NULL)
	{
		if (len == max)
			return false;
		token[len++] = *span->at++;
	}
	token[len] = '\0';
	return len > 0;
}

static bool
read_quoted(Span *span, char *text, size_t max)
{
	size_t len = 0;

	for (span->at++; span->at < span->end && *span->at != '"'; span->at++)
	{
		if (*span->at == '\\' && ++span->at == span->end)
			return false;
		if (*span->at == '\0' || len == max)
			return false;
		text[len++] = *span->at;
	}
	text[len] = '\0';
	return skip_text(span, "\"");
}

/* The next "; name=value"; false at the end, and where there is no such thing. */
static bool
read_parameter(Span *span, Parameter *parameter)
{
	skip_blanks(span);
	if (!skip_text(span, ";"))
		return false;
	skip_blanks(span);
	if (!read_token(span, parameter->name, SIM_PART_NAME_MAX) || !skip_text(span, "="))
		return false;
	if (span->at < span->end && *span->at == '"')
		return read_quoted(span, parameter->value, WORD_MAX);
	return read_token(span, parameter->value, WORD_MAX);
}

/* The value of a parameter that must be there once and fit. */
static bool
find_parameter(Span span, const char *name, char *value, size_t max)
{
	Parameter parameter;
	bool found = false;

	while (read_parameter(&span, &parameter))
	{
		if (strcasecmp(parameter.name, name) != 0)
			continue;
		if (found || strlen(parameter.value) > max)
			return false;
		memcpy(value, parameter.value, strlen(parameter.value) + 1);
		found = true;
	}
	return found && span.at == span.end;
}

/* "\r\n--boundary", which ends a part. */
static bool
read_delimiter(const char *content_type, char *delimiter)
{
	static const char type[] = "multipart/form-data";
	static const char before[] = "\r\n--";
	Span span = {.at = content_type};
	char *boundary = delimiter + sizeof(before) - 1;

	if (content_type == NULL || strncasecmp(content_type, type, sizeof(type) - 1) != 0)
		return false;
	span.end = content_type + strlen(content_type);
	span.at += sizeof(type) - 1;
	memcpy(delimiter, before, sizeof(before));
	return find_parameter(span, "boundary", boundary, BOUNDARY_MAX) && boundary[0] != '\0';
}

/* One header of a part; those that we do not know are passed over. */
static bool
read_header(Span line, SimPart *part)
{
	char name[SIM_PART_NAME_MAX + 1];
	char word[SIM_PART_NAME_MAX + 1];

	if (!read_token(&line, name, SIM_PART_NAME_MAX) || !skip_text(&line, ":"))
		return false;
	skip_blanks(&line);
	if (strcasecmp(name, "Content-Disposition") == 0)
		return part->name[0] == '\0' && read_token(&line, word, SIM_PART_NAME_MAX) &&
			   strcasecmp(word, "form-data") == 0 &&
			   find_parameter(line, "name", part->name, SIM_PART_NAME_MAX);
	if (strcasecmp(name, "Content-Transfer-Encoding") == 0)
		return read_token(&line, word, SIM_PART_NAME_MAX) &&
			   (strcasecmp(word, "binary") == 0 || strcasecmp(word, "8bit") == 0 ||
				strcasecmp(word, "7bit") == 0);
	return true;
}

/* All headers of a part, up to its content. */
static bool
read_headers(Span *body, SimPart *part)
{
	size_t max = left(body) < HEADERS_MAX ? left(body) : HEADERS_MAX;
	const char *end = memmem(body->at, max, "\r\n\r\n", 4);
	Span line = {.at = body->at};

	part->name[0] = '\0';
	if (end == NULL)
		return false;
	for (; line.at < end; line.at = line.end + 2)
	{
		line.end = memmem(line.at, (size_t) (end + 2 - line.at), "\r\n", 2);
		if (!read_header(line, part))
			return false;
	}
	body->at = end + 4;
	return part->name[0] != '\0';
}

/* The rest of the line that a delimiter stands in: 1 a part follows, 0 the end. */
static int
after_delimiter(Span *body)
{
	if (skip_text(body, "--"))
		return 0;
	skip_blanks(body);
	return skip_text(body, "\r\n") ? 1 : -1;
}

/* To the first delimiter, which needs no line break when it comes first. */
static bool
skip_preamble(Span *body, const char *delimiter)
{
	const char *found;

	if (skip_text(body, delimiter + 2))
		return true;
	found = memmem(body->at, left(body), delimiter, strlen(delimiter));
	if (found == NULL)
		return false;
	body->at = found + strlen(delimiter);
	return true;
}

/* False unless all of the body is as it should be, each name once. */
bool
sim_multipart_parse(SimMultipart *multipart, const char *content_type, const char *body, size_t len)
{
	char delimiter[sizeof("\r\n--") + BOUNDARY_MAX];
	Span rest = {body, body + len};
	int more;

	multipart->count = 0;
	if (!read_delimiter(content_type, delimiter) || !skip_preamble(&rest, delimiter))
		return false;
	while ((more = after_delimiter(&rest)) > 0)
	{
		SimPart *part = &multipart->parts[multipart->count];
		const char *end;

		if (multipart->count == SIM_PARTS_MAX || !read_headers(&rest, part) ||
			sim_multipart_find(multipart, part->name) != NULL)
			return false;
		end = memmem(rest.at, left(&rest), delimiter, strlen(delimiter));
		if (end == NULL)
			return false;
		part->data = rest.at;
		part->len = (size_t) (end - rest.at);
		rest.at = end + strlen(delimiter);
		multipart->count++;
	}
	return more == 0;
}

const SimPart *
sim_multipart_find(const SimMultipart *multipart, const char *name)
{
	for (size_t i = 0; i < multipart->count; i++)
		if (strcmp(multipart->parts[i].name, name) == 0)
			return &multipart->parts[i];
	return NULL;
}
