/*
 * complaint.h
 *		The faults of a message, and the state of its check.
 */
#ifndef RCS_COMPLAINT_H
#define RCS_COMPLAINT_H

#include "nodes/pg_list.h"
#include "utils/jsonb.h"

typedef struct RcsFault
{
	char *path;		  /* body.title2, buttons[0].suggestions[1]; "" for the whole */
	const char *code; /* one word, listed in doc/messages.md */
	char *problem;	  /* lower case, no final period */
} RcsFault;

/* The members that a chatbot adds; NULL = it has none. */
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

/* The open parts of a template, checked for each recipient; see form.h. */
typedef struct RcsForm RcsForm;

/* strings that have a limit together */
typedef struct RcsSum
{
	const char *what; /* of a complaint: "descriptions of all cards" */
	int max;		  /* 0: no limit */
	int fixed;		  /* length of the strings without placeholders */
	int least;		  /* of all strings, with placeholders empty */
} RcsSum;

/* one run of the check */
typedef struct RcsCheck
{
	const RcsCheckOptions *options;
	RcsForm *form; /* NULL: open strings need not be collected */
	RcsSum *sum;
	const char *opt_out; /* digits that advertising by fallback must name; NULL: not known */
	List *faults;
} RcsCheck;

extern void rcs_complain(RcsCheck *c, const char *path, const char *code, const char *fmt, ...)
	pg_attribute_printf(4, 5);
extern const char *rcs_member_path(const char *path, const char *name, int len);
extern bool rcs_whole_number(const JsonbValue *v, int *n);
extern void rcs_check_sum(RcsCheck *c, const RcsSum *sum, int total);

#endif /* RCS_COMPLAINT_H */
