/*
 * campaign.h
 *		Campaigns: looking one up, the right to steer it, its history.
 */
#ifndef RCS_CAMPAIGN_H
#define RCS_CAMPAIGN_H

#include "datatype/timestamp.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "account/chatbot.h"

typedef struct RcsCampaign
{
	int64 campaign_no;
	pg_uuid_t id;
	char *chatbot;
	int version;
	char *created_by;
	char *state;
	bool expired;
	bool goes_on; /* paused, and resumed by itself soon */
} RcsCampaign;

/*
 * All of these are called as the owner (owner.h), with SPI connected, and
 * allocate in the memory context given.  An unknown campaign is an error.
 */
extern RcsCampaign *rcs_campaign_load(const pg_uuid_t *id, bool for_update, MemoryContext cxt);
extern RcsCampaign *rcs_campaign_load_latest(const pg_uuid_t *id, MemoryContext cxt);
extern void rcs_campaign_check_steer(const RcsCampaign *c, Oid caller);
extern Jsonb *rcs_campaign_message(const RcsCampaign *c, int version, MemoryContext cxt);
extern void rcs_campaign_lock_adding(int64 campaign_no);
extern void rcs_campaign_event(int64 campaign_no, const char *what, Oid who, const char *detail);

/* Checks of create.c, which raise.  The message is returned as it is stored. */
extern void rcs_campaign_check_name(text *name);
extern void rcs_campaign_check_weight(int weight, Oid caller);
extern Jsonb *rcs_campaign_checked_message(Jsonb *message, const RcsChatbot *bot, Oid caller);

#endif /* RCS_CAMPAIGN_H */
