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
	account->limit = second_limit(split_rate(account->secret));
	if (sim_account_find(accounts, account->id) != NULL)
		sim_fatal("account \"%s\" is given twice", account->id);
	if (account->limit > 0)
		account->passed_us = sim_alloc(account->limit * sizeof(uint64_t));
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

/*
 * Does the contract allow one more offer now?  Exact: no interval of one second
 * holds more than the limit.  What is turned away does not count.
 */
bool
sim_account_pass(SimAccount *account, uint64_t now_us, uint64_t lockout_us)
{
	uint64_t earlier;

	if (account->limit == 0)
		return true;
	if (now_us < account->locked_until_us)
		return false;
	earlier = account->passed_us[account->oldest];
	if (earlier != 0 && now_us - earlier < US_PER_S)
	{
		account->locked_until_us = now_us + lockout_us;
		return false;
	}
	account->passed_us[account->oldest] = now_us;
	account->oldest = (account->oldest + 1) % account->limit;
	return true;
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
