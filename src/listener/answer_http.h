/*
 * answer_http.h
 *		The answer to a request.
 */
#ifndef RCS_ANSWER_HTTP_H
#define RCS_ANSWER_HTTP_H

#include "listener/exchange.h"

/* The last one counts.  None of them raises. */
extern void rcs_answer_text(RcsExchange *x, int status, const char *content_type,
							const char *text);							   /* is copied */
extern void rcs_answer_json(RcsExchange *x, int status, const char *json); /* is copied */
extern void rcs_answer_status(RcsExchange *x, int status); /* {"status":"200"} and the like */

/* data, and the texts of a header, that are there for the life of the process */
extern void rcs_answer_constant(RcsExchange *x, int status, const char *content_type,
								const void *data, size_t len);
extern void rcs_answer_header(RcsExchange *x, const char *name, const char *value);

extern void rcs_answer_forget(RcsExchange *x);

#endif /* RCS_ANSWER_HTTP_H */
