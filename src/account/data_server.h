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
 * The server that serves this address: of those whose url it is below, the one
 * with the longest url, then the first by name.  NULL: none.
 */
extern char *rcs_data_server_of(const char *url);

/* False, and that in words, when no server of TYPE http has this name. */
extern bool rcs_data_server_exists(const char *name, char **problem);

/* NULL, and the reason, when it cannot be used.  Reads the file of its header. */
extern RcsDataServer *rcs_data_server_load(const char *name, char **problem);

/* Forget the header, whose value is not to stay in freed memory. */
extern void rcs_data_server_wipe(RcsDataServer *s);

#endif /* RCS_DATA_SERVER_H */
