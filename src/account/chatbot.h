/*
 * chatbot.h
 *		Chatbots: the senders of messages, as rows of rcs.chatbot.
 *
 * Everything returned is allocated in the caller's memory context.  All
 * functions need an open transaction.
 */
#ifndef RCS_CHATBOT_H
#define RCS_CHATBOT_H

#include "nodes/pg_list.h"

#include "message/complaint.h"

typedef struct RcsChatbot
{
	char *chatbot;
	List *servers; /* of char *, never empty */
	char *agency_id;
	char *agency_key;
	char *brand_key;
	char *callback;
	char *footer;
	char *kisa_orig_code;
	char *fallback_prefix;
	char *cdr_id;
	Oid owner; /* invalid: nobody */
} RcsChatbot;

extern RcsChatbot *rcs_chatbot_load(const char *chatbot);

/* The name of the chatbot to send as: the one given, else the setting, else the only one. */
extern char *rcs_chatbot_resolve(const char *given);

/* A chatbot that the caller may send through, else an error.  Called as the owner. */
extern RcsChatbot *rcs_usable_chatbot(const char *given, Oid caller);

/* The facts that a message is checked against; they point into the chatbot. */
extern RcsFacts rcs_chatbot_facts(const RcsChatbot *bot);

#endif /* RCS_CHATBOT_H */
