/*
 * schema.h
 *		The members of the carrier's messages, as tables.
 *
 * Every rule about one member of an object is a line of a table; rules between
 * members are in cross.c.
 */
#ifndef RCS_SCHEMA_H
#define RCS_SCHEMA_H

typedef enum RcsMemberKind
{
	RCS_IS_STRING,
	RCS_IS_SCALAR, /* a string, or a number or boolean, which counts as it is written */
	RCS_IS_BOOL,
	RCS_IS_INTEGER, /* min to max */
	RCS_IS_NUMBER,	/* or a string that holds one */
	RCS_IS_DIGITS,	/* a whole number of at most max digits, or a string of them */
	RCS_IS_OBJECT,
	RCS_IS_LIST /* of objects */
} RcsMemberKind;

typedef enum RcsLengthUnit
{
	RCS_IN_CHARACTERS,
	RCS_IN_BYTES, /* of UTF-8 */
	RCS_IN_CP949  /* bytes as fallback counts them */
} RcsLengthUnit;

typedef enum RcsStringForm
{
	RCS_ANY_FORM,
	RCS_TEXT_FORM,	  /* shown by the handset: without "(광고)" */
	RCS_AD_FORM,	  /* begins with "(광고)" */
	RCS_URL_FORM,	  /* has a scheme */
	RCS_TIME_FORM,	  /* ISO 8601 */
	RCS_OPT_OUT_FORM, /* digits and hyphens */
	RCS_MEDIA_FORM,
	RCS_FALLBACK_FORM /* of characters that CP949 has */
} RcsStringForm;

typedef struct RcsObjectRule RcsObjectRule;

typedef struct RcsMemberRule
{
	const char *name;
	RcsMemberKind kind;
	bool required;
	int min; /* length, value or number of elements */
	int max; /* 0: no limit */
	RcsLengthUnit unit;
	RcsStringForm form;
	bool summed;				 /* counts for the sum over all cards */
	bool fixed;					 /* the same for all recipients: no placeholder */
	const char *const *words;	 /* a string: one of these; ends with NULL */
	const RcsObjectRule *object; /* of the object, or of each element; NULL: any */
} RcsMemberRule;

/* exactly one of these members, or at most one */
typedef struct RcsChoiceRule
{
	bool required;
	const char *names[9]; /* ends with NULL */
} RcsChoiceRule;

struct RcsObjectRule
{
	const RcsMemberRule *members; /* end with name NULL */
	const RcsChoiceRule *choices; /* end with names[0] NULL; NULL: none */
};

typedef struct RcsServiceRule
{
	const char *name;
	int description; /* longest description of a card; 0: a template, whose variables are free */
	int all_cards;	 /* longest sum of descriptions, or of a template's variables; 0: no limit */
	int buttons;	 /* of a card; 0: none */
	bool media;		 /* each card has one */
	bool chat;
} RcsServiceRule;

typedef struct RcsLayoutRule
{
	const char *messagebase;
	const char *services[3]; /* that it serves; end with NULL */
	int cards;
	bool open; /* a newer layout, whose members are listed but not required */
} RcsLayoutRule;

#define RCS_TITLE_CHARACTERS 30
#define RCS_SMS_CHARACTERS 100	/* of RCSSMS */
#define RCS_LMS_CHARACTERS 1300 /* of the other types */
#define RCS_BODY_BYTES 10240
#define RCS_MAX_CARDS 6
#define RCS_SMS_BYTES 80 /* of a fallback */
#define RCS_LMS_BYTES 4000

extern const RcsObjectRule rcs_message_rule;
extern const RcsMemberRule rcs_body_members[]; /* of the newer layouts; end with name NULL */

/* NULL: it is in no table */
extern const RcsServiceRule *rcs_service_rule(const char *name, int len);
extern const RcsLayoutRule *rcs_layout_rule(const char *messagebase, int len);

#endif /* RCS_SCHEMA_H */
