/*
 * token.h
 *		What the list of accounts asks of the token of one account; private to carrier/.
 */
#ifndef RCS_TOKEN_H
#define RCS_TOKEN_H

#include "carrier/carrier.h"

extern void rcs_token_forget(RcsAccount *a);
extern void rcs_token_drop_login(RcsAccount *a, int shared, int login);
extern void rcs_token_check(RcsAccount *a);
extern void rcs_token_fetched(RcsAccount *a);

#endif /* RCS_TOKEN_H */
