/*
 * response.h
 *	  The meaning of an answer of the carrier for one message.
 *
 * Pure: a transport outcome, bytes and the operator's changes to the table of
 * codes in, a verdict out.  Nothing here raises.
 * (On reasons in a database that is not UTF-8 see foreign_json.h.)
 */
#ifndef RCS_RESPONSE_H
#define RCS_RESPONSE_H

#include "base/http_request.h"

#define RCS_CODE_SIZE 16
#define RCS_REASON_SIZE 200 /* of the reason that is kept of an answer, a fate or a hold */

typedef enum RcsVerdict
{
	RCS_V_ACCEPTED,
	RCS_V_DUPLICATE, /* class c: the carrier has this id already */
	RCS_V_FAILED,	 /* definite, about this message (e, f) */
	RCS_V_RETRY,	 /* refused for the moment (d); an answer */
	RCS_V_THROTTLED, /* too fast (b) */
	RCS_V_TOKEN,	 /* get a new token (a) */
	RCS_V_ACCOUNT,	 /* definite, about the account */
	RCS_V_NOT_SENT,	 /* the request did not leave this machine */
	RCS_V_UNKNOWN	 /* may have been accepted (g and the rest) */
} RcsVerdict;

/* A result code as the operator wants it judged. */
typedef struct RcsCode
{
	int code;
	char cls;	  /* 'a' to 'g' */
	bool account; /* with class f: a refusal of the account, not of the message */
} RcsCode;

typedef struct RcsCodes
{
	int n;
	RcsCode *list; /* sorted by code */
} RcsCodes;

typedef struct RcsAnswer
{
	RcsVerdict verdict;
	bool answered;	   /* there was an HTTP answer */
	bool unknown_code; /* its code is in no table, so the HTTP status decided */
	/* "" none; "72103", "http 502", "timeout", "connection", "cut" */
	char code[RCS_CODE_SIZE];
	/* as base/foreign_text.h cleans it, in the server encoding */
	char reason[RCS_REASON_SIZE];
	long retry_after_ms; /* wait at least this long; 0: no demand */
} RcsAnswer;

/* The request is over.  The reason repeats nothing of what it asked. */
extern void rcs_kt_classify(const RcsCodes *own, const RcsHttpRequest *r, RcsAnswer *out);

/*
 * The answer of the token call, once there is one (RCS_HTTP_ANSWER).  True:
 * *token is palloc'd.  False: *problem says why; never ACCEPTED.
 */
extern bool rcs_kt_parse_token(const RcsCodes *own, const RcsHttpRequest *r, char **token,
							   long *ttl_s, RcsAnswer *problem);

#endif /* RCS_RESPONSE_H */
