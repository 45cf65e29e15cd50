/*
 * account_check.h
 *		A worker's side of rcs_account_check().
 */
#ifndef RCS_ACCOUNT_CHECK_H
#define RCS_ACCOUNT_CHECK_H

extern int rcs_account_check_take(char server[NAMEDATALEN]);
extern void rcs_account_check_answer(int account, bool ok, const char *detail);

#endif /* RCS_ACCOUNT_CHECK_H */
