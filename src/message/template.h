/*
 * template.h
 *		Message templates: jsonb with #{name} in its strings, compiled once and
 *		rendered many times.
 */
#ifndef RCS_TEMPLATE_H
#define RCS_TEMPLATE_H

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

typedef struct RcsTemplate RcsTemplate;

/*
 * Make compact JSON text of a value, cut at each #{name} inside a string value
 * (never inside a key).  Without allow_params "#{" and "##{" are just text, as
 * in a message that was rendered before.  Memory: the caller's context.
 */
extern RcsTemplate *rcs_template_compile(JsonbContainer *json, bool allow_params);

/* The same for one string, which is rendered as it is and not as JSON. */
extern RcsTemplate *rcs_template_compile_text(const char *str, int len);

/* The text without its placeholders; belongs to the template. */
extern const char *rcs_template_literal(const RcsTemplate *t, int *len);

/* How many placeholders; 0 means that each rendering is the same. */
extern int rcs_template_param_count(const RcsTemplate *t);

/*
 * Append JSON text to out.  params, an object, may be NULL.  Returns NULL, or
 * the name of the first placeholder without a usable value, which belongs to
 * the template, or rcs_template_too_long; out is then left half written.
 */
#define RCS_TEMPLATE_MOST (1024 * 1024) /* bytes of what is appended: far more than any message */
extern const char rcs_template_too_long[];
extern const char *rcs_template_render(const RcsTemplate *t, JsonbContainer *params,
									   StringInfo out);

/* Each name that has no usable value, once, in order: a List of char *. */
extern List *rcs_template_missing(const RcsTemplate *t, JsonbContainer *params);

/* Append text as the content of a JSON string, without the quotes. */
extern void rcs_template_escape(StringInfo out, const char *str, int len);

#endif /* RCS_TEMPLATE_H */
