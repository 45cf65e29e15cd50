/*
 * outbox.h
 *		All SQL of the delivery workers on the queue and its record.
 *
 * Every call stands in a transaction of rcs_txn_run(), and every statement
 * that locks or writes names one campaign (stream 0 is the single messages).
 */
#ifndef RCS_OUTBOX_H
#define RCS_OUTBOX_H

#include "datatype/timestamp.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

/* Outcomes as rcs.result.outcome has them. */
#define RCS_ACCEPTED 'a'
#define RCS_FAILED 'f'
#define RCS_UNCERTAIN 'u'
#define RCS_CANCELED 'c'
#define RCS_EXPIRED 'x'
#define RCS_SUPPRESSED 's'
#define RCS_REFUSED 'r' /* for the moment */
#define RCS_UNKNOWN 't'
#define RCS_WITHDRAWN 'w'

/* Messages by the final outcome that they have, in the order of these letters. */
#define RCS_FINAL_OUTCOMES "afucxs"
typedef struct RcsCounts
{
	int64 n[sizeof(RCS_FINAL_OUTCOMES) - 1];
} RcsCounts;

/* One row of rcs.batch. */
typedef struct RcsBatchRow
{
	int64 batch_id;
	int64 origin; /* where its messages are stored; batch_id when it is no retry */
	TimestampTz due_at;
	int n;
	int attempt;
	int answers;
	int version;			   /* 0 = the campaign's present one */
	TimestampTz unknown_since; /* 0 = no earlier offer is in doubt */
	char *server;			   /* with unknown_since */
	char *chatbot;			   /* of a single message */
	char *sender;			   /* likewise: the role that sent it */
	bool urgent;			   /* likewise: before those that are not */
	int *ords;				   /* NULL = all */
	int nords;
	int *canceled;
	int ncanceled;
} RcsBatchRow;

/* A single message that is due, as it is looked at before it is leased. */
typedef struct RcsDueSingle
{
	int64 batch_id;
	TimestampTz due_at;
	char *chatbot;
	char *server; /* the only account that may offer it; NULL = any of its chatbot */
	char *sender;
	bool urgent;
} RcsDueSingle;

/* The next messages of one sender that are due, after a place in its order. */
typedef struct RcsSenderTurn
{
	const char *chatbot;
	const char *sender;
	TimestampTz after_due;
	int64 after_id;
	int most;
} RcsSenderTurn;

typedef struct RcsSenderSingle
{
	int turn; /* which of them, from 0 */
	int64 batch_id;
	TimestampTz due_at;
} RcsSenderSingle;

/* One row of rcs.message. */
typedef struct RcsMessageRow
{
	int64 batch_id;
	int ord;
	pg_uuid_t id;
	char *phone; /* NULL = erased */
	Jsonb *params;
	Jsonb *message;
	char *chatbot;
	TimestampTz expires_at; /* 0 = none */
	TimestampTz created_at;
	bool night_consent;
} RcsMessageRow;

/* One row of rcs.campaign: it has something due or soon, or a worker has leases of it. */
typedef struct RcsCampaignRow
{
	int64 campaign_no;
	char chatbot[64];
	int version;
	int rate_per_minute;
	TimestampTz expires_at;
	char in_doubt; /* 'r', 'h', or 0 for the setting */
	int weight;
	bool paused;
	bool canceled;
	TimestampTz resumed_at; /* 0 = never */
	TimestampTz retry_at;	/* paused by the brake until then; 0 = it is not */
	int probation;			/* duplicates that brake it again; 0 = it is on none */
	TimestampTz next_at;	/* when its first batch may be leased */
	TimestampTz doubt_at;	/* when its first batch in doubt may be; infinity: there is none */
} RcsCampaignRow;

typedef struct RcsResultRow
{
	int64 batch_id;
	int ord;
	int attempt;
	char outcome;
	TimestampTz at;
	const char *code;
	const char *server;
	const char *reason;
} RcsResultRow;

typedef struct RcsIntentRow
{
	int64 batch_id;
	int attempt;
	int version;
	const char *server;
	int *ords;
	int nords;
} RcsIntentRow;

extern List *rcs_outbox_campaigns(const int64 *known, int nknown, MemoryContext cxt);
extern Jsonb *rcs_outbox_text(int64 campaign_no, int version, MemoryContext cxt);

extern RcsBatchRow *rcs_outbox_lease_doubt(int64 campaign_no, int64 generation,
										   List *closed_servers, MemoryContext cxt);
extern RcsBatchRow *rcs_outbox_lease_batch(int64 campaign_no, int64 generation,
										   List *closed_servers, TimestampTz due,
										   TimestampTz after_due, int64 after_id,
										   MemoryContext cxt);
extern int rcs_outbox_lease_singles(const int64 *ids, int nids, int64 generation, MemoryContext cxt,
									RcsBatchRow **rows);
extern int rcs_outbox_due_singles(TimestampTz after_due, int64 after_id, int max,
								  RcsDueSingle **singles);
extern int rcs_outbox_doubtful_singles(List *closed_servers, int max, RcsDueSingle **singles);
extern int rcs_outbox_peek_singles(const int64 *ids, int nids, RcsDueSingle **singles);
extern int rcs_outbox_first_singles(RcsDueSingle **singles);
extern int rcs_outbox_sender_singles(const RcsSenderTurn *turns, int nturns, bool urgent,
									 RcsSenderSingle **singles);
extern TimestampTz rcs_outbox_next_single(void);
extern int rcs_outbox_messages(int64 campaign_no, const RcsBatchRow *row, MemoryContext cxt,
							   RcsMessageRow **messages);
extern int rcs_outbox_single_messages(const int64 *origins, int n, MemoryContext cxt,
									  RcsMessageRow **messages);

extern int rcs_outbox_lock(int64 campaign_no, const int64 *ids, int nids, int64 generation,
						   MemoryContext cxt, RcsBatchRow **rows);
extern bool rcs_outbox_owned(int64 campaign_no, int64 batch_id, int64 generation);
extern void rcs_outbox_results(int64 campaign_no, const RcsResultRow *rows, int n,
							   bool after_failure);
extern void rcs_outbox_intents(int64 campaign_no, int64 generation, const RcsIntentRow *rows,
							   int n);
extern void rcs_outbox_retry(int64 campaign_no, const RcsBatchRow *retry, const char *reason);
extern void rcs_outbox_put_back(int64 campaign_no, const int64 *ids, int nids, TimestampTz due_at,
								const char *reason);
extern void rcs_outbox_set_back(bool singles, int64 us);
extern void rcs_outbox_close(int64 campaign_no, const int64 *ids, int nids);

/* An outcome after which the message goes on is not counted: the next batch counts it. */
extern void rcs_counts_add(RcsCounts *counts, char outcome, int64 n);
extern void rcs_counts_add_all(RcsCounts *to, const RcsCounts *from);
extern bool rcs_counts_any(const RcsCounts *counts);
extern void rcs_outbox_tally(int64 campaign_no, const RcsCounts *counts);

extern void rcs_outbox_fold(void);
extern bool rcs_outbox_pause(int64 campaign_no, TimestampTz resumed_at, const char *reason,
							 bool brake);
extern bool rcs_outbox_brake_retry(int64 campaign_no);
extern bool rcs_outbox_brake_off(int64 campaign_no);

extern bool rcs_outbox_leased_messages(int64 generation, TimestampTz *oldest);
extern int rcs_outbox_generations(int64 **generations);
extern int64 rcs_outbox_recover(int64 generation, double settle_s);

extern int rcs_outbox_reported(const pg_uuid_t *ids, int n, int *places);
extern int rcs_outbox_count_events(int most, bool *early);
extern void rcs_outbox_number_changes(void);
extern bool rcs_outbox_purge_turn(void);
extern void rcs_outbox_purge_campaign(int keep_s, int64 *campaign_no, int64 *place, int most);
extern int64 rcs_outbox_purge_singles(int keep_s, int64 after, int most);
extern void rcs_outbox_purge_rest(int keep_s);

#endif /* RCS_OUTBOX_H */
