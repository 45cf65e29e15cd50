/*
 * send.h
 *		What rcs_send knows about bad phone numbers.
 */
#ifndef RCS_SEND_H
#define RCS_SEND_H

/* 01012345678 for text in the encoding of the database; 22023 otherwise */
extern char *rcs_phone_or_error(const char *phone);

#endif /* RCS_SEND_H */
