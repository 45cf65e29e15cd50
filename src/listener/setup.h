/*
 * setup.h
 *		The setup of the listener: its address, its secrets, its routes.
 */
#ifndef RCS_SETUP_H
#define RCS_SETUP_H

#include "base/net_cidr.h"
#include "listener/exchange.h"
#include "listener/listener_secret.h"
#include "listener/listener_shared.h"
#include "process/guc.h"

typedef struct RcsListenerSetup
{
	char address[RCS_LISTENER_ADDRESS_LEN];
	int port;
	RcsCidr allow[RCS_LISTEN_ALLOW_MAX];
	int nallow; /* 0: anybody */
	RcsSecrets carrier;
	RcsSecrets operators; /* of the console */
	const RcsRoute *routes;
	int nroutes;
} RcsListenerSetup;

#endif /* RCS_SETUP_H */
