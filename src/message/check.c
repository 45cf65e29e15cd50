/*
 * check.c
 *		Is a message one that the carrier takes?  The whole check, in its order.
 *
 * The rules are in schema.c (one member), body.c (cards) and cross.c (between
 * members).
 */
#include "postgres.h"

#include "base/jsonb_members.h"
#include "message/body.h"
#include "message/check.h"
#include "message/cross.h"
#include "message/form.h"
#include "message/value.h"

static void
check_message(RcsCheck *c, JsonbContainer *message, RcsSum *sum)
{
	JsonbValue *type = rcs_member(message, "serviceType");
	JsonbValue *base = rcs_member(message, "messagebaseId");
	const RcsServiceRule *service = NULL;
	const RcsLayoutRule *layout = NULL;
	int cards = 0;

	if (c->options->need_header && rcs_member(message, "header") == NULL)
		rcs_complain(c, "header", "missing",
					 "is missing: \"0\" is for information, \"1\" for advertising");
	rcs_check_object(c, "", message, &rcs_message_rule);
	if (type != NULL && type->type == jbvString)
		service = rcs_service_rule(type->val.string.val, type->val.string.len);
	if (base != NULL && base->type == jbvString)
		layout = rcs_layout_rule(base->val.string.val, base->val.string.len);
	if (service == NULL)
		return; /* the rest depends on it */
	rcs_check_body(c, message, service, layout, sum, &cards);
	rcs_check_cross(c, message, service, layout, cards);
}

List *
rcs_message_faults(Jsonb *message, const RcsCheckOptions *options, RcsForm **form)
{
	RcsSum *sum = palloc0(sizeof(RcsSum));
	RcsCheck c = {.options = options, .form = form != NULL ? rcs_form_new() : NULL};

	if (JB_ROOT_IS_OBJECT(message))
		check_message(&c, &message->root, sum);
	else
		rcs_complain(&c, "", "type", "is not a JSON object");
	if (form != NULL)
	{
		rcs_form_finish(c.form, &c, sum,
						JB_ROOT_IS_OBJECT(message) ? rcs_member_object(&message->root, "body")
												   : NULL);
		*form = c.form;
	}
	return c.faults;
}
