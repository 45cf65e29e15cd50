/*
 * data_request.h
 *		One request to an outside data service: its address and its outcome.
 */
#ifndef RCS_DATA_REQUEST_H
#define RCS_DATA_REQUEST_H

#include "account/data_server.h"
#include "base/http_client.h"

/* Fills r for "path" below the server's url; the url is in the current context.
 * False, and the problem, when the path cannot be asked. */
extern bool rcs_data_request(RcsHttpRequest *r, const RcsDataServer *server, const char *path,
							 char **problem);

/* NULL when the answer can be used, else the reason, with the server and the status. */
extern char *rcs_data_request_problem(const RcsHttpRequest *r, const char *server);

#endif /* RCS_DATA_REQUEST_H */
