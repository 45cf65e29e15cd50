/*
 * media_check.c
 *		Checks the addresses of images when a message is made: each must belong
 *		to a data service that the author of the message may use.
 *
 * The worker asks the service that rcs_data_server_of() gives for the address, so the
 * right is checked for that one, even if another serves the address too.  This file
 * must not fetch an image.
 */
#include "postgres.h"

#include "account/account.h"
#include "account/data_server.h"
#include "account/media_check.h"
#include "message/media_url.h"

static bool
refuse(RcsProblem *problem, const char *reason, const char *hint)
{
	memset(problem, 0, sizeof(*problem));
	problem->code = "message";
	problem->sqlstate = ERRCODE_INVALID_PARAMETER_VALUE;
	problem->reason = reason;
	problem->hint = hint;
	return false;
}

static bool
check_url(const char *url, Oid caller, RcsProblem *problem)
{
	const char *fault;
	char *server;

	if (strstr(url, "#{") != NULL)
		return refuse(problem, "the address of an image has a placeholder in it",
					  "All recipients of a template get the same image; give the address in full.");
	fault = rcs_media_url_problem(url);
	if (fault != NULL)
		return refuse(problem, psprintf("the address of an image cannot be used: %s", fault),
					  "Give a plain address such as https://images.example.com/shop/1.png.");
	server = rcs_data_server_of(url);
	if (server == NULL)
		return refuse(
			problem, "the address of an image belongs to no server of TYPE 'http'",
			"Make one whose url the address begins with, or upload the image with rcs_media().");
	rcs_account_check_usage(caller, list_make1(server));
	return true;
}

bool
rcs_media_check_urls(Jsonb *message, Oid caller, RcsProblem *problem)
{
	ListCell *lc;

	foreach(lc, rcs_media_urls(&message->root))
		if (!check_url(lfirst(lc), caller, problem))
			return false;
	return true;
}
