/*
 * state.h
 *		The state of items, leases and rows, and the counters that follow it; private
 *		to delivery/.  state.c alone changes an item's state and these counters.
 *
 * An item goes through these hands, in this order:
 *	WAITING  leased, no intent yet                        (lease.c)
 *	READY    its intent is on disk, it wants a permit     (offer.c)
 *	FLYING   its request is under way                     (delivery_worker.c)
 *	DONE     its fate is decided, not yet written down    (fate.c)
 * and is forgotten when a transaction has written its fate down.
 */
#ifndef RCS_STATE_H
#define RCS_STATE_H

#include "lib/ilist.h"
#include "lib/stringinfo.h"

#include "account/account.h"
#include "account/permit.h"
#include "base/http_client.h"
#include "carrier/carrier.h"
#include "kt/payload.h"
#include "kt/response.h"
#include "process/slots.h"
#include "queue/outbox.h"

/* A campaign as this worker knows it. */
typedef struct RcsLaneCampaign
{
	dlist_node node;
	RcsCampaignRow row;
	bool due;				  /* the queue may have a batch of it */
	bool was_due;			  /* ... at the look before */
	bool doubt_due;			  /* it may have one in doubt, which goes first */
	bool over;				  /* canceled or expired: its unsent messages end */
	bool changed;			  /* messages that are ready may have an older text */
	TimestampTz leased_due;	  /* the last batch leased since the latest look: */
	int64 leased_id;		  /* those before it are leased or finished */
	double pass;			  /* stride scheduling: the lowest goes next */
	int ready;				  /* items that wait for a permit */
	int leases;				  /* that point here */
	struct RcsLease *current; /* the one whose items get the next intents */
	List *accounts;			  /* of RcsAccount: what its chatbot sends through */
	int64 not_before_us;	  /* it could have no slice just now */
	int nfailed;			  /* of nanswered verdicts: it is to be paused; 0 = it is not */
	int nanswered;
	int foreign;		/* duplicates in a row that were never offered from here */
	int foreign_lately; /* in a promoted server: those since lately_us */
	int64 lately_us;
	bool proven;  /* a message was accepted while it was on probation */
	int failures; /* turns that its slices have failed, one after another */
} RcsLaneCampaign;

typedef struct RcsFate
{
	char outcome;		/* 0 = none is to be written: never offered */
	bool again;			/* goes on in a batch of its own */
	bool answer;		/* counts for rcs.max_attempts */
	bool in_doubt;		/* this offer may have been accepted */
	long delay_ms;		/* before it is offered again */
	TimestampTz due_at; /* instead of a delay, to the microsecond; 0 = the delay counts */
	TimestampTz at;
	char code[24];
	char reason[RCS_REASON_SIZE];
} RcsFate;

typedef enum RcsItemState
{
	RCS_ITEM_WAITING,
	RCS_ITEM_INTENDED, /* WAITING, becomes READY when the turn commits */
	RCS_ITEM_READY,
	RCS_ITEM_FLYING,
	RCS_ITEM_DONE,
	RCS_ITEM_CLOSING, /* DONE, becomes GONE when the turn commits */
	RCS_ITEM_GONE
} RcsItemState;

/* Why advertising must not go to a person, as it was looked up for the slice. */
typedef enum RcsUnwanted
{
	RCS_WANTED,
	RCS_OPTED_OUT,
	RCS_OVER_CAP
} RcsUnwanted;

/* A leased row of rcs.batch.  "new" members count when the turn commits. */
typedef struct RcsRow
{
	RcsBatchRow batch;
	int items;
	int open;	 /* items not yet written down */
	int waiting; /* of them, those without an intent */
	RcsCounts counts;
	bool lost;		 /* another worker has taken it */
	bool locked;	 /* by the turn under way */
	bool ended;		 /* closed or put back by it */
	int new_closed;	 /* items written down by it */
	int new_waiting; /* of them, those that were waiting */
	RcsCounts new_counts;
} RcsRow;

typedef struct RcsItem
{
	bool paced;		 /* while ready: its campaign has a rate of its own */
	bool reserved;	 /* counted as ready, though its intent is not written yet */
	dlist_node node; /* in rcs_delivery.ready or lease->done */
	struct RcsLease *lease;
	RcsRow *row;
	RcsMessageRow *message;
	RcsItemState state;
	bool ad; /* advertising */
	RcsUnwanted unwanted;
	RcsAccount *account;
	int shared; /* of account, when the permit was drawn */
	StringInfoData body;
	RcsHttpRequest request;
	int token_serial;
	int64 started_us;
	RcsFate fate;
} RcsItem;

/* What one statement leased: a batch of a campaign, or some single messages. */
typedef struct RcsLease
{
	dlist_node node;		   /* in rcs_delivery.leases */
	MemoryContext cxt;		   /* of all that hangs on it */
	RcsLaneCampaign *campaign; /* NULL = single messages */
	int64 campaign_no;
	RcsPayload *payload; /* campaign: the text, compiled */
	int version;		 /* of the text; 0 for single messages */
	Jsonb *text;		 /* campaign: the text itself, if it names images by address */
	MemoryContext text_cxt;
	RcsRow *rows;
	int nrows;
	RcsItem *items;
	int nitems;
	int next;			  /* no item before this one is WAITING */
	int open;			  /* items not yet written down */
	bool ads;			  /* some of it is advertising */
	uint32 refusals_seen; /* its messages were read when rcs_refusal_count() was this */
	dlist_head done;
} RcsLease;

typedef struct RcsDelivery
{
	RcsSlot *slot;
	RcsWorkerKind lane;
	dlist_head leases;
	dlist_head ready;
	int nready;
	int nflying;
	int ndone;
	int nstuck;			 /* of them, those that the last turn had to leave */
	int64 done_since_us; /* the oldest of the others */
	bool draining;
	bool failed; /* the last turn's transaction */
} RcsDelivery;

extern RcsDelivery rcs_delivery;

extern void rcs_state_init(RcsSlot *slot);

/* in a turn */
extern void rcs_lease_taken(RcsLease *lease);
extern void rcs_row_touched(RcsRow *row);
extern void rcs_item_reserve(RcsItem *item, RcsAccount *account);
extern void rcs_item_unreserve(RcsItem *item);
extern void rcs_item_intended(RcsItem *item);
extern void rcs_item_decided(RcsItem *item);
extern void rcs_item_put_back(RcsItem *item);
extern void rcs_item_closing(RcsItem *item);

/* at its end */
extern bool rcs_state_committed(int64 now_us);
extern void rcs_state_rolled_back(void);

/* between turns */
extern void rcs_item_flying(RcsItem *item);
extern void rcs_item_done(RcsItem *item);

#endif /* RCS_STATE_H */
