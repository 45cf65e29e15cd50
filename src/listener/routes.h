/*
 * routes.h
 *		What can be asked of the listener, by whom, and who answers: the table.
 */
#ifndef RCS_ROUTES_H
#define RCS_ROUTES_H

#include "listener/exchange.h"

extern const RcsRoute rcs_routes[];
extern const int rcs_nroutes;

#endif /* RCS_ROUTES_H */
