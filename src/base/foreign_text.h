/*
 * foreign_text.h
 *	  Text from outside, cleaned before anybody keeps or shows it.
 */
#ifndef RCS_FOREIGN_TEXT_H
#define RCS_FOREIGN_TEXT_H

#include "utils/jsonb.h"

#include "base/http_request.h"

/* What a text must not repeat: strings of a request. */
typedef struct RcsOwnStrings
{
	int n;
	int room;
	struct RcsOwnString *list;
} RcsOwnStrings;

/* Values of a document; not the names of its members, and not codes such as RCSSMS. */
extern void rcs_own_strings_add(RcsOwnStrings *own, JsonbContainer *document);

/*
 * Writes at most size - 1 bytes, and a zero: printable, phone numbers masked, without what
 * is the request's own.  Allocates in the current context; works outside a transaction.
 */
extern void rcs_foreign_text(char *to, size_t size, const char *text, const RcsOwnStrings *own);

/* The same for what answers this request; NULL: no request. */
extern void rcs_foreign_text_of_answer(char *to, size_t size, const char *text,
									   const RcsHttpRequest *asked);

/* 010-1234-5678 becomes 010-****-5678, in place */
extern void rcs_mask_numbers(char *text);

#endif /* RCS_FOREIGN_TEXT_H */
