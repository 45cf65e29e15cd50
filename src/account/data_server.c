/*
 * data_server.c
 *		Reads outside data services: foreign servers of TYPE http.
 *
 * validator.c has judged the syntax of all but a header that stands in a file; what a
 * header may be is said here.
 * This file must not know what is asked of a service, or who may ask.
 */
#include "postgres.h"

#include "foreign/foreign.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "account/account.h"
#include "account/data_server.h"
#include "base/secret_file.h"
#include "base/statement.h"
#include "message/media_url.h"

#define DEFAULT_TIMEOUT_MS 10000
#define LONGEST_TIMEOUT_MS 60000
#define DEFAULT_MEDIA_TTL USECS_PER_DAY

static RcsStatement list_servers =
	{"SELECT s.srvname::pg_catalog.text, o.option_value"
	 " FROM pg_catalog.pg_foreign_server s"
	 " JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid OPERATOR(pg_catalog.=) s.srvfdw"
	 " CROSS JOIN LATERAL pg_catalog.pg_options_to_table(s.srvoptions) o"
	 " WHERE w.fdwname OPERATOR(pg_catalog.=) '" RCS_FDW_NAME "'"
	 " AND s.srvtype OPERATOR(pg_catalog.=) 'http'"
	 " AND o.option_name OPERATOR(pg_catalog.=) 'url'"
	 " ORDER BY s.srvname USING OPERATOR(pg_catalog.<)",
	 0,
	 {0},
	 NULL};

char *
rcs_data_server_of(const char *url)
{
	MemoryContext caller = CurrentMemoryContext;
	char *best = NULL;
	size_t best_len = 0;
	uint64 n;

	SPI_connect();
	n = rcs_execute(&list_servers, NULL, NULL);
	for (uint64 i = 0; i < n; i++)
	{
		char *base = rcs_column_text(i, 2, CurrentMemoryContext);

		if (!rcs_media_url_below(url, base) || (best != NULL && strlen(base) <= best_len))
			continue;
		best = rcs_column_text(i, 1, caller);
		best_len = strlen(base);
	}
	SPI_finish();
	return best;
}

static int64
interval_us(const char *value)
{
	Interval *i =
		DatumGetIntervalP(DirectFunctionCall3(interval_in, CStringGetDatum(value),
											  ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));

	return i->time + (i->day + (int64) i->month * DAYS_PER_MONTH) * USECS_PER_DAY;
}

/* They tell where a request ends, and how the connection goes on: those are ours to say. */
static bool
is_of_the_request(const char *line, size_t len)
{
	static const char *const names[] = {"Connection", "Expect", "Host",	   "HTTP2-Settings",
										"Keep-Alive", "TE",		"Trailer", "Transfer-Encoding",
										"Upgrade"};
	static const char *const families[] = {"Content-", "Proxy-"};

	for (int i = 0; i < lengthof(names); i++)
		if (strlen(names[i]) == len && pg_strncasecmp(line, names[i], len) == 0)
			return true;
	for (int i = 0; i < lengthof(families); i++)
		if (pg_strncasecmp(line, families[i], strlen(families[i])) == 0)
			return true;
	return false;
}

/* A line break would let the value write headers of its own. */
const char *
rcs_data_header_problem(const char *line)
{
	size_t name =
		strspn(line,
			   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~");

	if (strlen(line) > RCS_HEADER_MAX)
		return "have at most 8192 bytes";
	for (const char *c = line; *c != '\0'; c++)
		if ((unsigned char) *c < ' ' || *c == 0x7f)
			return "be one line without control characters";
	if (name == 0 || line[name] != ':' || line[name + 1 + strspn(line + name + 1, " ")] == '\0')
		return "have the form \"Name: value\"";
	if (is_of_the_request(line, name))
		return "not set what belongs to the request itself: Host, Connection, Keep-Alive, Expect, TE, Trailer, Transfer-Encoding, Upgrade, HTTP2-Settings, Content-* and Proxy-*";
	return NULL;
}

/* A service that needs no login has no mapping. */
static char *
load_header(Oid serverid, char **problem)
{
	bool found;
	List *options = rcs_account_mapping(serverid, &found);
	const char *header = rcs_account_option(options, "header");
	const char *file = rcs_account_option(options, "header_file");
	const char *fault;
	char *line = NULL;

	if (header != NULL)
		return pstrdup(header);
	if (file != NULL)
		*problem = rcs_account_file_problem(serverid, "header_file");
	if (file != NULL && *problem == NULL)
		line = rcs_secret_file_read(file, "header_file", RCS_HEADER_MAX, problem);
	fault = line != NULL ? rcs_data_header_problem(line) : NULL;
	if (fault == NULL)
		return line;
	explicit_bzero(line, strlen(line));
	*problem = psprintf("the line in header_file must %s", fault);
	return NULL;
}

static bool
is_true(const char *value)
{
	bool result;

	return value != NULL && parse_bool(value, &result) && result;
}

static RcsDataServer *
read_options(const ForeignServer *fs, const char *url)
{
	RcsDataServer *s = palloc0(sizeof(RcsDataServer));
	const char *timeout = rcs_account_option(fs->options, "timeout");
	const char *ttl = rcs_account_option(fs->options, "media_ttl");
	const char *ca_file = rcs_account_option(fs->options, "ca_file");

	s->name = pstrdup(fs->servername);
	s->url = pstrdup(url);
	s->timeout_ms = DEFAULT_TIMEOUT_MS;
	if (timeout != NULL)
		s->timeout_ms = (long) Min(interval_us(timeout) / 1000, LONGEST_TIMEOUT_MS);
	s->timeout_ms = Max(s->timeout_ms, 1);
	s->media_ttl_us = ttl != NULL ? interval_us(ttl) : DEFAULT_MEDIA_TTL;
	s->ca_file = ca_file != NULL ? pstrdup(ca_file) : NULL;
	s->reach = rcs_reach_of_host(rcs_media_url_host(url),
								 is_true(rcs_account_option(fs->options, "allow_private")));
	return s;
}

bool
rcs_data_server_exists(const char *name, char **problem)
{
	const ForeignServer *fs = GetForeignServerByName(name, true);

	if (fs != NULL && rcs_account_is_ours(fs) && fs->servertype != NULL &&
		strcmp(fs->servertype, "http") == 0)
		return true;
	*problem = psprintf("there is no server \"%s\" of TYPE 'http'", name);
	return false;
}

RcsDataServer *
rcs_data_server_load(const char *name, char **problem)
{
	ForeignServer *fs;
	RcsDataServer *s;
	const char *url;

	*problem = NULL;
	if (!rcs_data_server_exists(name, problem))
		return NULL;
	fs = GetForeignServerByName(name, false);
	url = rcs_account_option(fs->options, "url");
	if (url == NULL)
	{
		*problem = psprintf("server \"%s\" has no url", name);
		return NULL;
	}
	s = read_options(fs, url);
	s->header = load_header(fs->serverid, problem);
	return *problem == NULL ? s : NULL;
}

void
rcs_data_server_wipe(RcsDataServer *s)
{
	if (s->header == NULL)
		return;
	explicit_bzero(s->header, strlen(s->header));
	pfree(s->header);
	s->header = NULL;
}
