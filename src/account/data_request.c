/*
 * data_request.c
 *		One request to an outside data service: its address and its outcome.
 *
 * The request stays below the server's url: the path may not leave it, no redirect is
 * followed, and http_client.c checks the address behind a name.  This file must not
 * know for whom the request is, nor how the answer is waited for.
 */
#include "postgres.h"

#include "account/data_request.h"
#include "base/foreign_text.h"
#include "message/media_url.h"

static char *
join(const char *base, const char *path)
{
	size_t len = strlen(base);

	while (len > 0 && base[len - 1] == '/')
		len--;
	return psprintf("%.*s%s", (int) len, base, path);
}

bool
rcs_data_request(RcsHttpRequest *r, const RcsDataServer *server, const char *path, char **problem)
{
	char *url = join(server->url, path);
	const char *fault;

	memset(r, 0, sizeof(*r));
	if (path[0] != '/')
		fault = "it does not begin with a slash";
	else
		fault = rcs_media_url_problem(url);
	if (fault == NULL && !rcs_media_url_below(url, server->url))
		fault = "it leads out of the url of the server";
	if (fault != NULL)
	{
		*problem = psprintf("the path for server \"%s\" cannot be used: %s", server->name, fault);
		return false;
	}
	r->url = url;
	r->ca_file = server->ca_file;
	r->header = server->header;
	r->get = true;
	r->reach = server->reach;
	r->timeout_ms = server->timeout_ms;
	return true;
}

char *
rcs_data_request_problem(const RcsHttpRequest *r, const char *server)
{
	if (r->outcome != RCS_HTTP_ANSWER)
	{
		char error[sizeof(r->error)];

		rcs_foreign_text_of_answer(error, sizeof(error), r->error, r);
		return psprintf("server \"%s\" gave no answer: %s", server, error);
	}
	if (r->status >= 300 && r->status < 400)
		return psprintf(
			"server \"%s\" answered with HTTP status %d, and redirects are not followed", server,
			r->status);
	if (r->status < 200 || r->status >= 300)
		return psprintf("server \"%s\" answered with HTTP status %d", server, r->status);
	return NULL;
}
