/*
 * outbox_people.h
 *		Questions about people before they are offered a message.
 *
 * Every call stands in a transaction of rcs_txn_run().  Answers are places in
 * the list that was asked about, from 0.
 */
#ifndef RCS_OUTBOX_PEOPLE_H
#define RCS_OUTBOX_PEOPLE_H

#include "datatype/timestamp.h"

#define RCS_OUTSIDE_AD_HOURS "outside ad hours until "

/* A person, and the message to be offered. */
typedef struct RcsPerson
{
	int64 campaign_no;
	int64 batch_id; /* as in rcs.message */
	int ord;
	const char *phone;
	const char *chatbot;
} RcsPerson;

extern int rcs_outbox_erased(const RcsPerson *people, int n, int *places);
extern int rcs_outbox_refused(const RcsPerson *people, int n, int *places);

/* People who have had so much advertising on that day; for the others this message is noted. */
extern int rcs_outbox_over_cap(const RcsPerson *people, int n, const char *day, int cap,
							   int *places);

/* Gives batches that wait for the ad hours another time; 0 = at once.  True: there were some. */
extern bool rcs_outbox_move_ads(bool singles, TimestampTz due_at, const char *reason);

#endif /* RCS_OUTBOX_PEOPLE_H */
