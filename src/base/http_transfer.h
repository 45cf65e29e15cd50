/*
 * http_transfer.h
 *	  One curl easy handle with its buffers.  Private to http_client.c.
 */
#ifndef RCS_HTTP_TRANSFER_H
#define RCS_HTTP_TRANSFER_H

#include <curl/curl.h>

#include "lib/ilist.h"

#include "base/http_request.h"

/* an easy handle with what it needs for one request, reused for ever */
struct RcsHttpTransfer
{
	/* for the user of the transfer */
	dlist_node node;
	dlist_head *list; /* where the node is; NULL = nowhere */
	uint64 born;	  /* the turn it was started in */

	CURL *easy;
	curl_opensocket_callback open_socket;
	curl_closesocket_callback close_socket;
	RcsHttpRequest *request;

	/* the options of the easy handle; malloc'd, NULL = not set */
	char *url;
	char *ca_file;
	char *bearer;
	char *header;
	char *content_type;
	char *accept;
	bool get;
	bool alone; /* its connection is not shared */
	struct curl_slist *headers;

	/* of the current request */
	size_t body_sent; /* handed to curl, if it asks for it */
	bool touched;	  /* curl asked: for the body, or whether it may try */
	size_t header_bytes;
	char *answer;
	size_t answer_len;
	size_t answer_size;
	const char *refusal; /* why a callback stopped the transfer */
	char curl_error[CURL_ERROR_SIZE];
};

/* The callbacks open and close its sockets; the first gets the transfer.  NULL: out of memory. */
extern RcsHttpTransfer *rcs_http_transfer_new(curl_opensocket_callback open_socket,
											  curl_closesocket_callback close_socket);
extern void rcs_http_transfer_free(RcsHttpTransfer *t);

/* false: the request cannot be made; then only free() is allowed */
extern bool rcs_http_transfer_prepare(RcsHttpTransfer *t, RcsHttpRequest *r);

/* false: it may have; curl has looked at the request already */
extern bool rcs_http_transfer_nothing_left(const RcsHttpTransfer *t);

/* drops secrets and large buffers, which an idle transfer should not keep */
extern void rcs_http_transfer_trim(RcsHttpTransfer *t);

#endif /* RCS_HTTP_TRANSFER_H */
