/*
 * token.c
 *	  The token endpoint.
 *
 * Knows how a token is asked for and given; not what one is used for.
 */
#include "sim.h"

#include <string.h>

static SimReply
grant(Sim *sim, SimAccount *account)
{
	const char *token = sim_token_issue(&sim->accounts, account, sim_clock_us(),
										(uint64_t) sim->switches.token_ttl_s);
	char ttl[32];
	json_t *info;

	sim->stats.tokens_issued++;
	snprintf(ttl, sizeof(ttl), "%lld", (long long) sim->switches.token_ttl_s);
	info = json_pack("{s:s, s:{s:{s:s, s:s}}}", "status", "200", "data", "tokenInfo", "accessToken",
					 token, "expiresIn", ttl);
	return sim_answer_json(200, info);
}

/* NULL when the caller is who it says it is. */
static const char *
check_login(const Sim *sim, const json_t *root, SimAccount **account)
{
	const char *id = json_string_value(json_object_get(root, "rcsId"));
	const char *secret = json_string_value(json_object_get(root, "rcsSecret"));
	const char *grant_type = json_string_value(json_object_get(root, "grantType"));

	if (root == NULL)
		return "71005";
	if (id == NULL || secret == NULL || grant_type == NULL)
		return "71008";
	if (strcmp(grant_type, "clientCredentials") != 0)
		return "71004";
	*account = sim_account_find(&sim->accounts, id);
	if (*account == NULL)
		return "70007";
	if (sim->switches.token_reject || strcmp((*account)->secret, secret) != 0)
		return "70008";
	return NULL;
}

SimReply
sim_token(Sim *sim, const SimCall *call)
{
	SimAccount *account = NULL;
	const char *code;
	json_t *root;

	if (sim->switches.token_down)
		return sim_answer_status(500);
	root = call->body_cut ? NULL : json_loadb(call->body, call->body_len, 0, NULL);
	code = check_login(sim, root, &account);
	json_decref(root);
	return code ? sim_answer_code(code) : grant(sim, account);
}
