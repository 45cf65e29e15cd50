/*
 * accounts.h
 *	  The carrier's customers: secrets, tokens, contract rate, counters.
 *
 * Knows nothing of messages or HTTP.
 */
#ifndef KTSIM_ACCOUNTS_H
#define KTSIM_ACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "file_ledger.h"
#include "ledger.h"
#include "results.h"

#define SIM_TOKEN_LEN 200

typedef struct SimAccount
{
	char *id;
	char *secret;
	uint64_t per_minute; /* the contract; 0 = no limit */
	size_t limit;		 /* offers in any one second; 0 = no limit */
	uint64_t *passed_us; /* ring of the last "limit" offers let through */
	size_t oldest;		 /* the next to be overwritten */
	uint64_t locked_until_us;
	uint64_t neighbour_us; /* when somebody else offers next */
	uint64_t quota_used;   /* accepted since the quota was set */
	SimCounts counts;
	SimFileCounts file_counts;
	SimResults results;
	struct SimAccount *next;
} SimAccount;

typedef struct SimToken
{
	char text[SIM_TOKEN_LEN + 1];
	uint64_t hash;
	SimAccount *account;
	uint64_t expires_us;
	uint64_t uses;
	struct SimToken *next;
} SimToken;

#define SIM_TOKEN_BUCKETS 4096

typedef struct SimAccounts
{
	SimAccount *first;
	SimToken *tokens[SIM_TOKEN_BUCKETS];
} SimAccounts;

extern void sim_account_add(SimAccounts *accounts, const char *description);
extern SimAccount *sim_account_find(const SimAccounts *accounts, const char *id);
extern void sim_account_limit(SimAccount *account, uint64_t per_minute);
extern bool sim_account_pass(SimAccount *account, uint64_t now_us, uint64_t lockout_us,
							 double neighbour_pct);
extern const char *sim_token_issue(SimAccounts *accounts, SimAccount *account, uint64_t now_us,
								   uint64_t ttl_s);
extern const char *sim_token_use(const SimAccounts *accounts, const char *authorization,
								 uint64_t now_us, uint64_t uses_max, SimAccount **account);
extern void sim_tokens_expire(SimAccounts *accounts);
extern void sim_accounts_free(SimAccounts *accounts);

#endif /* KTSIM_ACCOUNTS_H */
