/*
 * permit.h
 *		Permits of a carrier account, shared by all workers of all databases.
 */
#ifndef RCS_PERMIT_H
#define RCS_PERMIT_H

#include "process/slots.h"

/* How a permit was answered. */
typedef enum RcsPermit
{
	RCS_PERMIT_GRANTED, /* token and connection are drawn */
	RCS_PERMIT_WAIT,	/* ask again after wait_us */
	RCS_PERMIT_CLOSED	/* the account is set aside for wait_us */
} RcsPermit;

extern int rcs_account_attach(int account, Oid serverid, int rate_per_minute, int connections);
extern void rcs_account_detach(int account, Oid serverid);

extern RcsPermit rcs_account_permit(int account, RcsWorkerKind lane, int64 now_us, int64 *wait_us);
extern void rcs_account_give_back(int account, RcsWorkerKind lane);
extern void rcs_account_release(int account);
extern void rcs_account_single_waits(int account, bool waits);

#endif /* RCS_PERMIT_H */
