/*
 * recipient.c
 *		Checks the open parts of a template for one recipient.
 *
 * The rest of the template was checked once.  This check runs for each of a million
 * recipients, so it allocates memory only when it finds a fault.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "message/form.h"
#include "message/media_url.h"
#include "message/recipient.h"
#include "message/text_length.h"
#include "message/value.h"

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
		RcsOpenString *s = lfirst(lc);
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
	/* The body is shorter than the whole message, but may have more bytes in UTF-8 than here. */
	if (c.faults == NIL && rendered * MAX_CONVERSION_GROWTH > RCS_BODY_BYTES &&
		(GetDatabaseEncoding() != PG_UTF8 || rendered > RCS_BODY_BYTES))
		check_body_size(form, &c, params);
	if (c.faults == NIL)
		return true;
	*fault = *(RcsFault *) linitial(c.faults);
	return false;
}
