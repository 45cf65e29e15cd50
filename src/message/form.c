/*
 * form.c
 *		What is left to check of a template for each recipient: the strings with
 *		placeholders, and what they count for together.
 *
 * The rest was checked once.  It runs for each of a million recipients, so it
 * allocates nothing unless it finds a fault.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "message/media_url.h"
#include "message/text_length.h"
#include "message/value.h"

typedef struct OpenString
{
	char *path;
	RcsMemberRule rule;
	RcsTemplate *text;
} OpenString;

struct RcsForm
{
	List *strings; /* of OpenString * */
	RcsCheckOptions options;
	const char *opt_out;
	RcsSum sum;
	RcsTemplate *body;
	StringInfoData rendered;
};

RcsForm *
rcs_form_new(void)
{
	RcsForm *form = palloc0(sizeof(RcsForm));

	initStringInfo(&form->rendered);
	return form;
}

void
rcs_form_add(RcsForm *form, const char *path, const RcsMemberRule *rule, RcsTemplate *text,
			 const RcsSum *sum)
{
	OpenString *s = palloc(sizeof(OpenString));

	s->path = pstrdup(path);
	s->rule = *rule;
	s->rule.summed = sum != NULL;
	s->text = text;
	form->strings = lappend(form->strings, s);
}

void
rcs_form_finish(RcsForm *form, const RcsCheck *c, const RcsSum *sum, JsonbContainer *body)
{
	form->sum = *sum;
	form->options = *c->options;
	form->options.is_template = false;
	form->opt_out = c->opt_out;
	if (body != NULL)
		(void) rcs_body_bytes(body, true, &form->body);
}

static void
check_body_size(RcsForm *form, RcsCheck *c, JsonbContainer *params)
{
	int bytes;

	if (form->body == NULL)
		return;
	resetStringInfo(&form->rendered);
	(void) rcs_template_render(form->body, params, &form->rendered);
	bytes = rcs_text_utf8_bytes(form->rendered.data, form->rendered.len);
	if (bytes > RCS_BODY_BYTES)
		rcs_complain(c, "body", "too_long", "%d bytes as JSON, at most %d are allowed", bytes,
					 RCS_BODY_BYTES);
}

bool
rcs_form_check(RcsForm *form, JsonbContainer *params, int rendered, RcsFault *fault)
{
	RcsSum sum = form->sum;
	RcsCheck c = {.options = &form->options, .sum = &sum, .opt_out = form->opt_out};
	ListCell *lc;

	foreach(lc, form->strings)
	{
		OpenString *s = lfirst(lc);
		JsonbValue v = {.type = jbvString};

		resetStringInfo(&form->rendered);
		(void) rcs_template_render(s->text, params, &form->rendered);
		v.val.string.val = form->rendered.data;
		v.val.string.len = form->rendered.len;
		rcs_check_value(&c, s->path, &v, &s->rule);
		/* the worker fetches the images of the text, not of each recipient */
		if (s->rule.form == RCS_MEDIA_FORM && rcs_media_is_url(v.val.string.val, v.val.string.len))
			rcs_complain(&c, s->path, "format",
						 "is an address that depends on the recipient: give " RCS_MEDIA_SCHEME
						 "id");
		if (c.faults != NIL)
			break;
	}
	if (c.faults == NIL)
		rcs_check_sum(&c, &sum, sum.fixed);
	/* the body is shorter than the whole; in UTF-8 it may take longer than here */
	if (c.faults == NIL && rendered * MAX_CONVERSION_GROWTH > RCS_BODY_BYTES &&
		(GetDatabaseEncoding() != PG_UTF8 || rendered > RCS_BODY_BYTES))
		check_body_size(form, &c, params);
	if (c.faults == NIL)
		return true;
	*fault = *(RcsFault *) linitial(c.faults);
	return false;
}
