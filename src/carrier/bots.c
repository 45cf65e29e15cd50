/*
 * bots.c
 *		The chatbots that one worker sends as, each read again after a second.
 *
 * This file must not know which account a chatbot sends through, or what it says.
 */
#include "postgres.h"

#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "account/chatbot.h"
#include "base/monotonic.h"
#include "carrier/carrier.h"

#define BOT_AGE SECOND

static HTAB *bots = NULL; /* of RcsBot */
static MemoryContext bots_cxt = NULL;

static void
make_table(void)
{
	HASHCTL ctl;

	bots_cxt = AllocSetContextCreate(TopMemoryContext, "rcs chatbots", ALLOCSET_DEFAULT_SIZES);
	ctl.keysize = sizeof(((RcsBot *) 0)->name);
	ctl.entrysize = sizeof(RcsBot);
	ctl.hcxt = bots_cxt;
	bots = hash_create("rcs chatbots", 64, &ctl, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

static void
load(RcsBot *bot)
{
	MemoryContext cxt = AllocSetContextCreate(bots_cxt, "rcs chatbot", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(cxt);
	RcsChatbot *c = rcs_chatbot_load(bot->name);

	MemoryContextSwitchTo(old);
	if (bot->cxt != NULL)
		MemoryContextDelete(bot->cxt);
	bot->cxt = cxt;
	bot->chatbot = c;
	bot->loaded_us = rcs_now_us();
	memset(&bot->sender, 0, sizeof(bot->sender));
	if (c == NULL)
		return;
	bot->sender.chatbot = c->chatbot;
	bot->sender.agency_id = c->agency_id;
	bot->sender.agency_key = c->agency_key;
	bot->sender.brand_key = c->brand_key;
	bot->sender.callback = c->callback;
	bot->sender.footer = c->footer;
	bot->sender.kisa_orig_code = c->kisa_orig_code;
	bot->sender.fallback_prefix = c->fallback_prefix;
	bot->sender.cdr_id = c->cdr_id;
}

/* In a transaction.  The result is at most a second old and never NULL; its member chatbot may be NULL. */
RcsBot *
rcs_carrier_bot(const char *chatbot)
{
	bool found;
	RcsBot *bot;

	if (bots == NULL)
		make_table();
	bot = hash_search(bots, chatbot == NULL ? "" : chatbot, HASH_ENTER, &found);
	if (!found)
	{
		bot->cxt = NULL;
		bot->chatbot = NULL;
	}
	if (bot->cxt == NULL || rcs_now_us() - bot->loaded_us > BOT_AGE)
		load(bot);
	return bot;
}
