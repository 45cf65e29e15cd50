/*
 * value.h
 *		Is a message one that the carrier takes?  Everything that is wrong with
 *		it, as a list.
 *
 * Pure but for PostgreSQL's encoding tables, so it needs a transaction.
 */
#ifndef RCS_VALUE_H
#define RCS_VALUE_H

#include "nodes/pg_list.h"
#include "utils/jsonb.h"

#include "message/schema.h"
#include "message/template.h"

typedef struct RcsFault
{
	char *path;		  /* body.title2, buttons[0].suggestions[1]; "" for the whole */
	const char *code; /* one word, listed in doc/messages.md */
	char *problem;	  /* lower case, no final period */
} RcsFault;

/* What a chatbot adds; NULL = it has none. */
typedef struct RcsFacts
{
	const char *chatbot;
	const char *callback;
	const char *footer;
	const char *prefix;
} RcsFacts;

typedef struct RcsCheckOptions
{
	const RcsFacts *facts; /* NULL: the sender is not known yet */
	bool need_header;
	bool is_template; /* #{name} stands for text that is not known yet */
} RcsCheckOptions;

/* What is left to check for each recipient of a template. */
typedef struct RcsForm RcsForm;

/*
 * All faults in a fixed order; NIL: none.  "form" may be NULL.  The form is in
 * the caller's memory context and keeps pointers to "facts".
 */
extern List *rcs_message_faults(Jsonb *message, const RcsCheckOptions *options, RcsForm **form);

/*
 * Is the message valid with these params, none of which is missing?  rendered
 * is the length of the whole message as JSON text.  False, and the first fault.
 */
extern bool rcs_form_check(RcsForm *form, JsonbContainer *params, int rendered, RcsFault *fault);

/* ---------- between the files of the check ---------- */

/* strings that have a limit together */
typedef struct RcsSum
{
	const char *what; /* "descriptions of all cards" */
	int max;		  /* 0: no limit */
	int fixed;		  /* what no placeholder changes */
	int least;		  /* with placeholders empty */
} RcsSum;

typedef struct RcsCheck
{
	const RcsCheckOptions *options;
	RcsForm *form; /* NULL: nobody wants it */
	RcsSum *sum;
	const char *opt_out; /* digits that advertising by fallback must name; NULL: not known */
	List *faults;
} RcsCheck;

extern void rcs_complain(RcsCheck *c, const char *path, const char *code, const char *fmt, ...)
	pg_attribute_printf(4, 5);
extern void rcs_check_object(RcsCheck *c, const char *path, JsonbContainer *object,
							 const RcsObjectRule *rule);
extern void rcs_check_value(RcsCheck *c, const char *path, JsonbValue *v,
							const RcsMemberRule *rule);
extern void rcs_check_unknown(RcsCheck *c, const char *path, JsonbContainer *object,
							  const RcsMemberRule *members);
extern void rcs_check_sum(RcsCheck *c, const RcsSum *sum, int total);
extern const char *rcs_member_path(const char *path, const char *name, int len);

/* a member, or NULL when it is missing or null */
extern JsonbValue *rcs_member(JsonbContainer *object, const char *name);
extern JsonbContainer *rcs_member_object(JsonbContainer *object, const char *name);
extern JsonbContainer *rcs_member_list(JsonbContainer *object, const char *name);
extern bool rcs_is_word(const JsonbValue *v, const char *word);
extern bool rcs_whole_number(const JsonbValue *v, int *n);

/* in form.c: strings whose text depends on the recipient */
extern RcsForm *rcs_form_new(void);
extern void rcs_form_add(RcsForm *form, const char *path, const RcsMemberRule *rule,
						 RcsTemplate *text, const RcsSum *sum);
extern void rcs_form_finish(RcsForm *form, const RcsCheck *c, const RcsSum *sum,
							JsonbContainer *body);

/* in string.c */
extern void rcs_check_text(RcsCheck *c, const char *path, const RcsMemberRule *rule,
						   const char *text, int len);
extern int rcs_measure(const char *text, int len, RcsLengthUnit unit, int *bad_at);
extern const char *rcs_unit_name(RcsLengthUnit unit, int n);

/* in body.c; *cards is 0 when they cannot be told */
extern void rcs_check_body(RcsCheck *c, JsonbContainer *message, const RcsServiceRule *service,
						   const RcsLayoutRule *layout, RcsSum *sum, int *cards);
extern int rcs_body_bytes(JsonbContainer *body, bool is_template, RcsTemplate **text);

/* in cross.c */
extern void rcs_check_cross(RcsCheck *c, JsonbContainer *message, const RcsServiceRule *service,
							const RcsLayoutRule *layout, int cards);

#endif /* RCS_VALUE_H */
