/*
 * exchange.c
 *		A request and its answer: reading what came with it.
 *
 * Nothing raises, nothing allocates.  Must not know the meaning of a request.
 */
#include "postgres.h"

#include <microhttpd.h>

#include "listener/exchange.h"

const char *
rcs_exchange_arg(const RcsExchange *x, const char *name)
{
	return MHD_lookup_connection_value(x->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *
rcs_exchange_header(const RcsExchange *x, const char *name)
{
	return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}
