/*
 * accounts.c
 *	  The carrier's customers: secrets, tokens, contract rate.
 *
 * Knows nothing of messages or HTTP.
 */
#define _GNU_SOURCE
#include "accounts.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "util.h"

#define ACCOUNT_ID_MAX 20
#define US_PER_S UINT64_C(1000000)

/* Takes ":RATE" off the end of the text; 0 when there is none. */
static uint64_t
split_rate(char *text)
{
	char *colon = strrchr(text, ':');
	uint64_t rate;

	if (colon == NULL || colon[1] == '\0' || strlen(colon + 1) > 9 ||
		colon[1 + strspn(colon + 1, "0123456789")] != '\0')
		return 0;
	rate = strtoull(colon + 1, NULL, 10);
	*colon = '\0';
	return rate;
}

/* ceil(1.02 * rate / 60) + 1: two in a hundred and one more for jitter. */
static size_t
second_limit(uint64_t per_minute)
{
	return per_minute == 0 ? 0 : (size_t) ((per_minute * 102 + 5999) / 6000 + 1);
}

/* Another contract; what was let through in the second before still counts. */
void
sim_account_limit(SimAccount *account, uint64_t per_minute)
{
	size_t limit = second_limit(per_minute);
	size_t kept = limit < account->limit ? limit : account->limit;
	uint64_t *passed_us = limit > 0 ? sim_alloc(limit * sizeof(uint64_t)) : NULL;

	account->per_minute = per_minute;
	for (size_t i = 0; i < kept; i++)
		passed_us[limit - kept + i] =
			account->passed_us[(account->oldest + account->limit - kept + i) % account->limit];
	free(account->passed_us);
	account->passed_us = passed_us;
	account->limit = limit;
	account->oldest = 0;
	account->locked_until_us = 0;
}

/* The description is ID:SECRET[:RATE_PER_MINUTE]. */
void
sim_account_add(SimAccounts *accounts, const char *description)
{
	SimAccount *account = sim_alloc(sizeof(SimAccount));
	SimAccount **end = &accounts->first;
	char *colon;

	account->id = strdup(description);
	colon = account->id ? strchr(account->id, ':') : NULL;
	if (colon == NULL || colon == account->id || colon - account->id > ACCOUNT_ID_MAX)
		sim_fatal("an account is ID:SECRET[:RATE_PER_MINUTE], with an id of at most %d bytes",
				  ACCOUNT_ID_MAX);
	*colon = '\0';
	account->secret = colon + 1;
	sim_account_limit(account, split_rate(account->secret));
	if (sim_account_find(accounts, account->id) != NULL)
		sim_fatal("account \"%s\" is given twice", account->id);
	while (*end != NULL)
		end = &(*end)->next;
	*end = account;
}

SimAccount *
sim_account_find(const SimAccounts *accounts, const char *id)
{
	SimAccount *account = accounts->first;

	while (account != NULL && strcmp(account->id, id) != 0)
		account = account->next;
	return account;
}

/* Is there room for one more within the second before now?  Then it is counted. */
static bool
fits(SimAccount *account, uint64_t now_us)
{
	uint64_t earlier = account->passed_us[account->oldest];

	if (earlier != 0 && now_us - earlier < US_PER_S)
		return false;
	account->passed_us[account->oldest] = now_us;
	account->oldest = (account->oldest + 1) % account->limit;
	return true;
}

/* Somebody else, who offers evenly under the same contract, had his turns until now. */
static void
let_neighbour_pass(SimAccount *account, uint64_t now_us, double pct)
{
	double per_minute = (double) account->per_minute * pct / 100;
	uint64_t between_us = per_minute > 0 ? (uint64_t) (60e6 / per_minute) : 0;

	if (per_minute <= 0 || account->neighbour_us + US_PER_S < now_us)
		account->neighbour_us = now_us;
	while (per_minute > 0 && account->neighbour_us < now_us)
	{
		(void) fits(account, account->neighbour_us);
		account->neighbour_us += between_us + 1;
	}
}

/*
 * Does the contract allow one more offer now?  Exact: no interval of one second
 * holds more than the limit.  What is turned away does not count.
 */
bool
sim_account_pass(SimAccount *account, uint64_t now_us, uint64_t lockout_us, double neighbour_pct)
{
	if (account->limit == 0)
		return true;
	let_neighbour_pass(account, now_us, neighbour_pct);
	if (now_us < account->locked_until_us)
		return false;
	if (fits(account, now_us))
		return true;
	account->locked_until_us = now_us + lockout_us;
	return false;
}

/* Not from the seed: a token of an earlier run must never fit a later one. */
static void
random_text(char *text, size_t len)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	if (getrandom(text, len, 0) != (ssize_t) len)
		sim_fatal("no random bytes from the system");
	for (size_t i = 0; i < len; i++)
		text[i] = alphabet[(unsigned char) text[i] % 64];
	text[len] = '\0';
}

const char *
sim_token_issue(SimAccounts *accounts, SimAccount *account, uint64_t now_us, uint64_t ttl_s)
{
	SimToken *token = sim_alloc(sizeof(SimToken));
	SimToken **bucket;

	random_text(token->text, SIM_TOKEN_LEN);
	token->hash = sim_hash(token->text, SIM_TOKEN_LEN, 0);
	token->account = account;
	token->expires_us = now_us + ttl_s * US_PER_S;
	bucket = &accounts->tokens[token->hash % SIM_TOKEN_BUCKETS];
	token->next = *bucket;
	*bucket = token;
	return token->text;
}

static SimToken *
find_token(const SimAccounts *accounts, const char *text)
{
	size_t len = strlen(text);
	uint64_t hash = sim_hash(text, len, 0);
	SimToken *token = accounts->tokens[hash % SIM_TOKEN_BUCKETS];

	while (token != NULL && (token->hash != hash || strcmp(token->text, text) != 0))
		token = token->next;
	return token;
}

/*
 * NULL when the header is good; the account is set whenever it can be told.
 * A token dies once it has been used so often, 0: never.
 */
const char *
sim_token_use(const SimAccounts *accounts, const char *authorization, uint64_t now_us,
			  uint64_t uses_max, SimAccount **account)
{
	static const char type[] = "Bearer ";
	SimToken *token;

	*account = NULL;
	if (authorization == NULL)
		return "70001";
	if (strncasecmp(authorization, type, sizeof(type) - 1) != 0 ||
		authorization[sizeof(type) - 1] == '\0')
		return "70002";
	token = find_token(accounts, authorization + sizeof(type) - 1);
	if (token == NULL)
		return "70003";
	*account = token->account;
	if (now_us >= token->expires_us)
		return "70004";
	if (++token->uses == uses_max)
		token->expires_us = 0;
	return NULL;
}

void
sim_tokens_expire(SimAccounts *accounts)
{
	for (size_t i = 0; i < SIM_TOKEN_BUCKETS; i++)
		for (SimToken *token = accounts->tokens[i]; token != NULL; token = token->next)
			token->expires_us = 0;
}

void
sim_accounts_free(SimAccounts *accounts)
{
	for (size_t i = 0; i < SIM_TOKEN_BUCKETS; i++)
	{
		while (accounts->tokens[i] != NULL)
		{
			SimToken *token = accounts->tokens[i];

			accounts->tokens[i] = token->next;
			free(token);
		}
	}
	while (accounts->first != NULL)
	{
		SimAccount *account = accounts->first;

		accounts->first = account->next;
		sim_results_free(&account->results);
		free(account->passed_us);
		free(account->id);
		free(account);
	}
}
