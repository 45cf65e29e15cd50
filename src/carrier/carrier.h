/*
 * carrier.h
 *		Accounts, tokens, chatbots, codes and holds as one delivery worker has them.
 *
 * delivery/, media/ and report/ send through them.  This folder must not know a queue, a
 * batch or the state of a message.
 */
#ifndef RCS_CARRIER_H
#define RCS_CARRIER_H

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"

#include "account/account.h"
#include "account/account_shared.h"
#include "account/breaker.h"
#include "account/chatbot.h"
#include "account/login.h"
#include "account/pace.h"
#include "base/http_client.h"
#include "hold/identity.h"
#include "kt/payload.h"
#include "kt/response.h"

#define RCS_SLICE_MAX 100 /* messages whose intents share a commit */
#define RCS_SLICE_SECONDS 0.25

/* A carrier account as this worker knows it. */
typedef struct RcsAccount
{
	char *server;
	MemoryContext cxt; /* of options and urls */
	RcsServerOptions *options;
	char *message_url;
	char *token_url;
	int shared;		/* its entry in account_shared.c; -1 = unusable */
	int login;		/* its place in there */
	char *database; /* this one, for the log */
	int64 loaded_us;
	int ready;	  /* items that wait for a permit */
	int paced;	  /* of these, items of campaigns with a rate of their own */
	bool starved; /* no permit in this turn of the loop */

	char *token; /* malloc'd; NULL = none */
	int token_serial;
	bool token_worked;	  /* it was accepted at least once */
	int64 token_asked_us; /* when its login was started */
	int64 token_renew_us;
	int64 token_end_us;
	bool fetching;
	bool checked; /* a backend waits in rcs_account_check() */
	int64 fetch_started_us;
	StringInfoData fetch_body;
	RcsHttpRequest fetch;
	int64 clock_at_us; /* when its clock was compared with ours; 0 = never */
} RcsAccount;

/* A chatbot as this worker knows it. */
typedef struct RcsBot
{
	char name[64]; /* the key */
	MemoryContext cxt;
	RcsChatbot *chatbot; /* NULL: it does not exist any more */
	RcsSender sender;
	int64 loaded_us;
} RcsBot;

/* ---------- accounts.c ---------- */

extern void rcs_carrier_init(void);
extern RcsAccount *rcs_carrier_account(const char *server); /* in a transaction */
extern void rcs_carrier_follow(void);						/* likewise */
extern uint32 rcs_carrier_changes(void);
extern void rcs_carrier_forget_waits(void);
extern int rcs_carrier_space(int64 now_us);
extern bool rcs_carrier_all_open(int64 now_us);
extern List *rcs_carrier_closed(int64 now_us);
extern bool rcs_carrier_token_done(RcsHttpRequest *r);
extern void rcs_carrier_checks(void);
extern int rcs_logins_flying(void); /* requests for a token under way */

/* ---------- gate.c ---------- */

extern bool rcs_account_usable(RcsAccount *a, int64 now_us, bool *probe, int64 *wait_us);
extern int rcs_account_slice(const RcsAccount *a, RcsWorkerKind lane);
extern int rcs_account_room(RcsAccount *a, int64 now_us);

/* ---------- token.c ---------- */

extern RcsTokenState rcs_token_state(const RcsAccount *a, int64 now_us);
extern bool rcs_token_ready(RcsAccount *a, int64 now_us);
extern void rcs_token_used(RcsAccount *a, int64 now_us);
/* after a request with it, one of these */
extern void rcs_token_worked(RcsAccount *a, int serial);
extern void rcs_token_unproven(RcsAccount *a);
extern void rcs_token_refused(RcsAccount *a, int serial, const char *reason);

/* ---------- bots.c ---------- */

extern RcsBot *rcs_carrier_bot(const char *chatbot); /* in a transaction */

/* ---------- holds.c ---------- */

extern void rcs_holds_init(void);
/* in a turn, then committed or rolled_back */
extern bool rcs_holds_turn(bool busy, bool at_once);
extern void rcs_holds_impose(const char *reason);
extern void rcs_holds_judge_contents(void);
extern bool rcs_holds_filled(void);
extern const RcsIdentityTimes *rcs_holds_times(void);
extern bool rcs_holds_committed(void);
extern void rcs_holds_rolled_back(void);
/* at any time */
extern bool rcs_holds_wanted(int64 now_us, int64 *wait_us);
extern const char *rcs_holds_reason(void);
extern bool rcs_holds_known(void);
extern void rcs_holds_read_anew(void); /* before anything else is offered */
extern const char *rcs_account_held(const RcsAccount *a);

/* ---------- answer.c ---------- */

extern void rcs_codes_turn(bool busy); /* in a turn */
extern void rcs_codes_write(int64 now_us, bool at_once);
extern const RcsCodes *rcs_codes(void);
extern void rcs_answer_note_code(const RcsAccount *a, int http_status, const RcsAnswer *answer);
extern void rcs_answer_note_clock(RcsAccount *a, const RcsHttpRequest *r);
extern void rcs_answer_classify(RcsAccount *a, const RcsHttpRequest *r, RcsAnswer *answer);

#endif /* RCS_CARRIER_H */
