/*
 * foreign_json.h
 *	  JSON from outside: read with PostgreSQL's parser, without raising.
 *
 * Everything is palloc'd in the current context, and a reading that fails leaves its
 * memory there: use a context of your own.
 */
#ifndef RCS_FOREIGN_JSON_H
#define RCS_FOREIGN_JSON_H

#include "utils/jsonb.h"

#define RCS_FOREIGN_JSON_MAX (256 * 1024)

/*
 * UTF-8 bytes; NULL: not a JSON object, too long or too deep.  In a database of
 * another encoding, text that is not ASCII survives only in a transaction or when
 * client_encoding is UTF8; else it becomes question marks.
 */
extern JsonbContainer *rcs_foreign_json(const char *body, size_t len);

/* The same, of at most so many bytes, without a number of more than 100 digits; an array will do as well. */
extern Jsonb *rcs_foreign_document(const char *body, size_t len, size_t most);

/* Any value, however long, but for its numbers: the same. */
extern Jsonb *rcs_foreign_value(const char *bytes, size_t len);

#endif /* RCS_FOREIGN_JSON_H */
