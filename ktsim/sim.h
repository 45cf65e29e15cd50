/*
 * sim.h
 *	  The state of one stand-in carrier, and what it can reply.
 *
 * Shared by the endpoints (message.c, file.c, query.c, control.c, mo.c) and the server that calls
 * them.  Everything runs on one thread, so nothing is locked.
 */
#ifndef KTSIM_SIM_H
#define KTSIM_SIM_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

#include "accounts.h"
#include "file_ledger.h"
#include "files.h"
#include "ids.h"
#include "inbound.h"
#include "ledger.h"
#include "push.h"
#include "reports.h"
#include "switches.h"
#include "util.h"

typedef struct SimStats
{
	SimCounts counts;
	SimFileCounts file_counts;
	uint64_t tokens_issued;
	unsigned connections_open;
	unsigned connections_max;
	unsigned active;
	unsigned active_max;
} SimStats;

typedef struct Sim
{
	SimAccounts accounts;
	SimIds ids;
	SimLedger ledger;
	SimFiles files;
	SimFileLedger file_ledger;
	SimReports reports;
	SimInbounds inbound;
	SimPush push;
	SimSwitches switches;
	SimRandom random;
	SimRandom file_random; /* of uploads, so that these do not change what messages get */
	uint64_t file_faults;  /* since file_fault_count was set */
	SimStats stats;
	json_t *chatbots; /* object used as a set; NULL: any chatbot */
} Sim;

typedef enum SimAction
{
	SIM_ANSWER,		/* send the response */
	SIM_CUT,		/* close the connection instead */
	SIM_HANG,		/* do nothing until the client leaves */
	SIM_HALF_CLOSE, /* from here on: bytes that are not HTTP's, see wire.c */
	SIM_STALL,
	SIM_RESET,
	SIM_ENDLESS,
	SIM_BIG_HEADER
} SimAction;

#define SIM_ON_WIRE(action) ((action) >= SIM_HALF_CLOSE)

/* Bodies that are hard to digest, see odd.c. */
typedef enum SimOdd
{
	SIM_ODD_GZIP_BOMB,
	SIM_ODD_TRUNCATED,
	SIM_ODD_HTML,
	SIM_ODD_DEEP,
	SIM_ODD_DIGITS,
	SIM_ODD_DUPLICATE_KEYS,
	SIM_ODDS
} SimOdd;

/* How the customer learns what became of his messages: report_mode. */
#define SIM_MODE_NONE 0
#define SIM_MODE_PUSH 1
#define SIM_MODE_QUERY 2

#define SIM_TYPE_JSON "application/json;charset=UTF-8"
#define SIM_CODE_THROTTLED "72104"

typedef struct SimReply
{
	SimAction action;
	unsigned status;
	struct MHD_Response *response;
	bool shared; /* the response is kept for others: do not destroy */
	uint64_t delay_us;
	bool query; /* counts as a query until it is answered */
} SimReply;

typedef struct SimCall
{
	const char *authorization; /* header, or NULL */
	const char *content_type;  /* header, or NULL */
	const char *body;
	size_t body_len;
	bool body_cut; /* more than we are ready to keep */
} SimCall;

/* answers.c */
extern SimReply sim_answer_accepted(void);
extern SimReply sim_answer_code(const char *code);
extern SimReply sim_answer_status(unsigned status);
extern SimReply sim_answer_html(void);
extern SimReply sim_answer_throttled(uint64_t retry_after_ms);
extern SimReply sim_answer_garbage(SimRandom *random);
extern SimReply sim_answer_bytes(unsigned status, const char *bytes, size_t len);
extern SimReply sim_answer_json(unsigned status, json_t *object);
extern void sim_answers_free(void);

/* odd.c */
extern SimReply sim_answer_odd(SimOdd kind);
extern void sim_odd_free(void);

/* token.c, message.c, file.c, query.c, control.c, mo.c */
extern SimReply sim_token(Sim *sim, const SimCall *call);
extern SimReply sim_message(Sim *sim, const SimCall *call);
extern SimReply sim_file(Sim *sim, const SimCall *call);
extern SimReply sim_query(Sim *sim, const SimCall *call);
extern SimReply sim_mo(Sim *sim, const SimCall *call);
extern SimReply sim_push_order(Sim *sim, const SimCall *call);
extern void sim_seed(Sim *sim);
extern bool sim_control(Sim *sim, const char *method, const char *path, const SimCall *call,
						SimReply *reply);

#endif /* KTSIM_SIM_H */
