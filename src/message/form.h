/*
 * form.h
 *		The open parts of a template: strings with placeholders, and their sums.
 */
#ifndef RCS_FORM_H
#define RCS_FORM_H

#include "lib/stringinfo.h"

#include "message/complaint.h"
#include "message/schema.h"
#include "message/template.h"

typedef struct RcsOpenString
{
	char *path;
	RcsMemberRule rule;
	RcsTemplate *text;
} RcsOpenString;

struct RcsForm
{
	List *strings; /* of RcsOpenString * */
	RcsCheckOptions options;
	const char *opt_out;
	RcsSum sum;
	RcsTemplate *body;
	StringInfoData rendered;
};

extern RcsForm *rcs_form_new(void);
extern void rcs_form_add(RcsForm *form, const char *path, const RcsMemberRule *rule,
						 RcsTemplate *text, const RcsSum *sum);

/* "body" may be NULL */
extern void rcs_form_finish(RcsForm *form, const RcsCheck *c, const RcsSum *sum,
							JsonbContainer *body);

/* Bytes of a body as JSON, without its placeholders. */
extern int rcs_body_bytes(JsonbContainer *body, bool is_template, RcsTemplate **text);

#endif /* RCS_FORM_H */
