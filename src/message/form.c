/*
 * form.c
 *		The open parts of a template: strings with placeholders, and their sums.
 *
 * This file only collects them; recipient.c checks them for each recipient.
 */
#include "postgres.h"

#include "message/form.h"
#include "message/text_length.h"

int
rcs_body_bytes(JsonbContainer *body, bool is_template, RcsTemplate **text)
{
	int len;
	const char *literal;

	*text = rcs_template_compile(body, is_template);
	literal = rcs_template_literal(*text, &len);
	return rcs_text_utf8_bytes(literal, len);
}

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
	RcsOpenString *s = palloc(sizeof(RcsOpenString));

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
