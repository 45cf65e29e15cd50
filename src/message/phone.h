/*
 * phone.h
 *		Korean phone numbers: one canonical spelling, and a masked one for people.
 */
#ifndef RCS_PHONE_H
#define RCS_PHONE_H

#define RCS_PHONE_MAX 15	   /* digits of a canonical number, at most */
#define RCS_PHONE_MASK_SIZE 32 /* enough for a masked one */

/*
 * Write the canonical national digits of a number to out.  Returns NULL, or
 * why the number cannot be used, as text that continues "The number ...".
 * The input may be any bytes; bytes that are not UTF-8 are refused.
 */
extern const char *rcs_phone_canonical(const char *utf8, size_t len, char out[RCS_PHONE_MAX + 1]);

/* The same for text in the encoding of the database; does not raise. */
extern const char *rcs_phone_from_server(const char *str, int len, char out[RCS_PHONE_MAX + 1]);

/* For SQL functions: the same for an argument, raising 22023 with the reason. */
extern void rcs_phone_parse(const text *phone, char out[RCS_PHONE_MAX + 1]);

/* 010-****-5678; a number that is too short to be masked in part becomes ****. */
extern void rcs_phone_mask(const char *canonical, char out[RCS_PHONE_MASK_SIZE]);

#endif /* RCS_PHONE_H */
