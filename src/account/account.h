/*
 * account.h
 *		Carrier accounts: foreign servers with their login.
 *
 * Everything returned is allocated in the caller's memory context.  All
 * functions need an open transaction.
 */
#ifndef RCS_ACCOUNT_H
#define RCS_ACCOUNT_H

#include "foreign/foreign.h"
#include "nodes/pg_list.h"

#define RCS_FDW_NAME "rcs"
#define RCS_DEFAULT_CONNECTIONS 100
#define RCS_SECRET_MAX 1024

typedef struct RcsServerOptions
{
	Oid serverid;
	char *name;
	char *url; /* NULL only together with a problem */
	char *query_url;
	int rate_per_minute; /* 0 = rcs sets no limit */
	int connections;
	bool results_by_query;
	char *ca_file;
	char *rcs_id;
	char *rcs_secret;
	char *rcs_secret_file;
	char *problem; /* NULL, or why the account cannot be used */
} RcsServerOptions;

extern RcsServerOptions *rcs_account_load(const char *server, bool missing_ok);
extern char *rcs_account_read_secret(const RcsServerOptions *o, char **problem);
extern void rcs_account_check_usage(Oid roleid, List *names);

/* Catalog access shared with validator.c and data_server.c. */
extern bool rcs_account_is_ours(const ForeignServer *server);
extern List *rcs_account_mapping(Oid serverid, bool *found);
extern const char *rcs_account_option(List *options, const char *name);
extern char *rcs_account_file_problem(Oid serverid, const char *option);
extern void rcs_account_refuse_used(const char *server, const char *verb);

#endif /* RCS_ACCOUNT_H */
