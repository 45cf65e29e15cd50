/*
 * send.h
 *		A phone number that a caller has given, for all functions that send.
 */
#ifndef RCS_SEND_H
#define RCS_SEND_H

/* Returns 01012345678 for text in the encoding of the database; raises 22023 for a bad number. */
extern char *rcs_phone_or_error(const char *phone);

#endif /* RCS_SEND_H */
