/*
 * lease_text.c
 *		The text of a leased campaign batch, compiled for the carrier.
 *
 * It knows no item, no intent and no request.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "delivery/lease_text.h"
#include "media/image_ready.h"
#include "message/media_url.h"

bool
rcs_lease_text_load(RcsLease *lease, const RcsBot *bot)
{
	Jsonb *text = rcs_outbox_text(lease->campaign_no, lease->version, lease->cxt);
	MemoryContext old;

	if (text == NULL)
		return false;
	lease->ads = rcs_payload_is_ad(&text->root);
	if (rcs_media_urls(&text->root) != NIL)
		lease->text = text;
	old = MemoryContextSwitchTo(lease->cxt);
	lease->payload = rcs_payload_compile(&text->root, &bot->sender, true);
	MemoryContextSwitchTo(old);
	return true;
}

/* Compiled anew for each slice: an image may have changed since the last one. */
bool
rcs_lease_text_fill(RcsLease *lease, RcsAccount *a)
{
	RcsBot *bot;
	JsonbContainer *text;
	MemoryContext old;

	if (lease->text == NULL)
		return true;
	text = rcs_image_fill(&lease->text->root, a);
	if (text == NULL)
		return false;
	if (lease->text_cxt == NULL)
		lease->text_cxt =
			AllocSetContextCreate(lease->cxt, "rcs lease text", ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(lease->text_cxt);
	bot = rcs_carrier_bot(lease->campaign->row.chatbot);
	old = MemoryContextSwitchTo(lease->text_cxt);
	lease->payload = rcs_payload_compile(text, &bot->sender, true);
	MemoryContextSwitchTo(old);
	return true;
}
