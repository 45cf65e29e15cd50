/*
 * text_length.h
 *		How long a text is, as the carrier counts.
 */
#ifndef RCS_TEXT_LENGTH_H
#define RCS_TEXT_LENGTH_H

/* UTF-16 units, the stricter of the two ways in which the carrier may count. */
extern int rcs_text_length(const char *text, int len);

/* Bytes of the text in UTF-8. */
extern int rcs_text_utf8_bytes(const char *text, int len);

/*
 * Bytes of a fallback text in CP949, where Hangul are two; -1, and where it
 * stands, for a character that CP949 does not have.  Needs a transaction.
 */
extern int rcs_text_cp949_bytes(const char *text, int len, int *bad_at);

#endif /* RCS_TEXT_LENGTH_H */
