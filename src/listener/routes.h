/*
 * routes.h
 *		The table of routes: method, path, roles, and the function that answers.
 */
#ifndef RCS_ROUTES_H
#define RCS_ROUTES_H

#include "listener/exchange.h"

extern const RcsRoute rcs_routes[];
extern const int rcs_nroutes;

#endif /* RCS_ROUTES_H */
