/*
 * data_server.h
 *		Outside data services: foreign servers of TYPE http with their header.
 *
 * Everything returned is allocated in the caller's memory context.  All
 * functions need an open transaction.
 */
#ifndef RCS_DATA_SERVER_H
#define RCS_DATA_SERVER_H

#include "base/net_address.h"

#define RCS_HEADER_MAX 8192 /* bytes of the header of a service */

typedef struct RcsDataServer
{
	char *name;
	char *url;
	long timeout_ms;
	int64 media_ttl_us;
	char *ca_file;
	RcsReach reach;
	char *header; /* "Name: value", a secret; NULL: none */
} RcsDataServer;

/*
 * The server that serves this address, or NULL.  The address must be below the url of
 * the server; the longest url wins, then the first name.
 */
extern char *rcs_data_server_of(const char *url);

/* False when no server of TYPE http has this name; *problem then says so. */
extern bool rcs_data_server_exists(const char *name, char **problem);

/* NULL when it cannot be used; *problem then gives the reason.  Reads the file of its header. */
extern RcsDataServer *rcs_data_server_load(const char *name, char **problem);

/* NULL, or the rest of the sentence "The value must ...". */
extern const char *rcs_data_header_problem(const char *line);

/* Overwrites the header, so that its value does not stay in freed memory. */
extern void rcs_data_server_wipe(RcsDataServer *s);

#endif /* RCS_DATA_SERVER_H */
