/*
 * payload.h
 *	  From a message to the request body that the carrier wants.
 *
 * Pure: jsonb and strings in, text out.
 */
#ifndef RCS_PAYLOAD_H
#define RCS_PAYLOAD_H

#include "lib/stringinfo.h"
#include "utils/jsonb.h"

/* the members that a chatbot adds to its messages; NULL = not set */
typedef struct RcsSender
{
	const char *chatbot;
	const char *agency_id;
	const char *agency_key;
	const char *brand_key;
	const char *callback;
	const char *footer;
	const char *kisa_orig_code;
	const char *fallback_prefix;
	const char *cdr_id;
} RcsSender;

/* a message compiled for sending: the fixed parts are rendered once */
typedef struct RcsPayload RcsPayload;

/*
 * Allocates in the caller's memory context and keeps no pointer to its
 * arguments.  Raises nothing for odd messages: they were validated before.
 */
extern RcsPayload *rcs_payload_compile(JsonbContainer *message, const RcsSender *sender,
									   bool allow_params);

/*
 * Appends the request body, in UTF-8, to "out".  Returns NULL, or the name of
 * the parameter that is missing (then "out" is as it was).  In a database that
 * is not UTF-8 it needs a transaction, or client_encoding UTF8.
 */
extern const char *rcs_payload_render(const RcsPayload *p, const char *msgid, const char *phone,
									  JsonbContainer *params, bool expires_soon, StringInfo out);

/* is it advertising (header "1")? */
extern bool rcs_payload_is_ad(JsonbContainer *message);

#endif /* RCS_PAYLOAD_H */
