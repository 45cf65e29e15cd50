/*
 * file.c
 *	  The file endpoint: one upload, judged and written down.
 *
 * Keeps a fingerprint of the content, not the content.  Knows nothing of
 * sockets: it says what to reply, the server does it.
 */
#define _GNU_SOURCE
#include "sim.h"

#include <stdio.h>
#include <string.h>

#include "file_faults.h"
#include "multipart.h"

#define US_PER_MS UINT64_C(1000)
#define US_PER_S UINT64_C(1000000)
#define DAY_S UINT64_C(86400)
#define ID_MAX 64
#define MESSAGEBASE_ID_MAX 40
#define ID_ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

/* In the order of the members of the answer. */
typedef struct Upload
{
	SimMultipart multipart;
	bool formed; /* the body is what it says it is */
	char file_id[ID_MAX + 1];
	char usage_service[ID_MAX + 1];
	char mime_type[ID_MAX + 1];
	char messagebase_id[ID_MAX + 1];
	const SimPart *file;
	char sha256[SIM_SHA256_HEX + 1];
	uint64_t expires_us;
} Upload;

typedef struct Verdict
{
	SimReply reply;
	SimFileDecision decision;
	const char *code;
} Verdict;

static Verdict
refuse(SimFileDecision decision, const char *code)
{
	return (Verdict){sim_answer_code(code), decision, code};
}

static bool
part_is(const SimPart *part, const char *text)
{
	return part->len == strlen(text) && memcmp(part->data, text, part->len) == 0;
}

/* A part of 1 to max letters, digits, points, underscores and dashes. */
static bool
copy_id(const SimPart *part, size_t max, char *id)
{
	if (part == NULL || part->len == 0 || part->len > max)
		return false;
	for (size_t i = 0; i < part->len; i++)
		if (part->data[i] == '\0' || strchr(ID_ALPHABET, part->data[i]) == NULL)
			return false;
	memcpy(id, part->data, part->len);
	id[part->len] = '\0';
	return true;
}

/* The value, if it is one of two. */
static bool
copy_one_of(const SimPart *part, const char *first, const char *second, char *value)
{
	const char *found = part_is(part, first) ? first : part_is(part, second) ? second : NULL;

	if (found != NULL)
		snprintf(value, ID_MAX + 1, "%s", found);
	return found != NULL;
}

static const char *
check_fields(Upload *upload)
{
	const SimPart *usage_type = sim_multipart_find(&upload->multipart, "usageType");
	const SimPart *usage_service = sim_multipart_find(&upload->multipart, "usageService");
	const SimPart *mime_type = sim_multipart_find(&upload->multipart, "mimeType");
	const SimPart *messagebase_id = sim_multipart_find(&upload->multipart, "messagebaseId");

	if (!copy_id(sim_multipart_find(&upload->multipart, "fileId"), ID_MAX, upload->file_id))
		return "53003";
	if (usage_type == NULL || usage_service == NULL || mime_type == NULL || upload->file == NULL)
		return "71008";
	if (!part_is(usage_type, "send") ||
		!copy_one_of(usage_service, "RCS", "MMS", upload->usage_service))
		return "71004";
	if (messagebase_id != NULL && messagebase_id->len > 0 &&
		!copy_id(messagebase_id, MESSAGEBASE_ID_MAX, upload->messagebase_id))
		return "71004";
	return copy_one_of(mime_type, "image/jpeg", "image/png", upload->mime_type) ? NULL : "72107";
}

/* By its first bytes the content is what the sender says it is. */
static bool
type_fits(const Upload *upload)
{
	static const char jpeg[] = "\xff\xd8\xff";
	static const char png[] = "\x89PNG\r\n\x1a\n";
	bool is_jpeg = strcmp(upload->mime_type, "image/jpeg") == 0;
	const char *magic = is_jpeg ? jpeg : png;
	size_t len = strlen(magic);

	return upload->file->len >= len && memcmp(upload->file->data, magic, len) == 0;
}

static const char *
check_upload(const Sim *sim, Upload *upload, const SimCall *call)
{
	const char *code;

	if (call->body_cut)
		return "72115";
	if (!upload->formed)
		return "53005";
	code = check_fields(upload);
	if (code != NULL)
		return code;
	if (upload->file->len > (size_t) sim->switches.file_max_bytes)
		return "72115";
	return type_fits(upload) ? NULL : "72107";
}

static uint64_t
expiry_us(const SimSwitches *switches, uint64_t now_us)
{
	uint64_t seconds = switches->file_seconds > 0 ? (uint64_t) switches->file_seconds
												  : (uint64_t) switches->file_days * DAY_S;

	return now_us + seconds * US_PER_S;
}

static json_t *
file_info(const SimSwitches *switches, const Upload *upload)
{
	char expiry[SIM_TIME_MAX];
	char size[24];
	char url[128];
	json_t *info;

	sim_carrier_time(upload->expires_us, expiry, sizeof(expiry));
	snprintf(size, sizeof(size), "%zu", upload->file->len);
	snprintf(url, sizeof(url), "https://ktsim.invalid/file/%s", upload->file_id);
	info = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:s}", "fileId", upload->file_id,
					 "usageType", "send", "usageService", upload->usage_service, "mimeType",
					 upload->mime_type, "status", "ready", "size",
					 switches->file_size_text ? json_string(size)
											  : json_integer((json_int_t) upload->file->len),
					 "expiryDate", expiry, "url", url);
	if (upload->messagebase_id[0] != '\0')
		json_object_set_new(info, "messagebaseId", json_string(upload->messagebase_id));
	return info;
}

/* Where the real carrier puts the members is not known: three places. */
static SimReply
answer_stored(const SimSwitches *switches, const Upload *upload)
{
	json_t *answer = file_info(switches, upload);

	if (switches->file_envelope == 0)
		answer = json_pack("{s:o}", "fileInfo", answer);
	if (switches->file_envelope <= 1)
		answer = json_pack("{s:s, s:o}", "status", "200", "data", answer);
	return sim_answer_json(200, answer);
}

/* The file is the carrier's from here on, whatever the client gets to hear. */
static Verdict
store(Sim *sim, const SimAccount *account, Upload *upload, SimFileFault fault, uint64_t now_us)
{
	const SimFile *file = sim_file_find(&sim->files, account->id, upload->file_id);
	Verdict verdict = {.decision = SIM_FILE_AGAIN};

	if (file != NULL && file->expires_us > now_us)
		upload->expires_us = file->expires_us;
	else
	{
		verdict.decision = SIM_FILE_STORED;
		upload->expires_us = expiry_us(&sim->switches, now_us);
		sim_file_store(&sim->files, account->id, upload->file_id, upload->sha256,
					   upload->expires_us);
	}
	verdict.reply = fault == SIM_FF_NONE ? answer_stored(&sim->switches, upload)
										 : sim_file_fault_reply(sim, fault);
	return verdict;
}

static Verdict
judge_upload(Sim *sim, const SimAccount *account, Upload *upload, const SimCall *call,
			 SimFileFault fault)
{
	const char *code = check_upload(sim, upload, call);
	const SimFile *file;

	if (code != NULL)
		return refuse(SIM_FILE_REFUSED, code);
	file = sim_file_find(&sim->files, account->id, upload->file_id);
	if (file != NULL &&
		(sim->switches.file_refuse_reuse || strcmp(file->sha256, upload->sha256) != 0))
		return refuse(SIM_FILE_DUPLICATE, "71003");
	if (fault == SIM_FF_ERROR)
		return (Verdict){sim_file_fault_reply(sim, fault), SIM_FILE_REFUSED,
						 sim->switches.file_error_code};
	return store(sim, account, upload, fault, sim_epoch_us());
}

static Verdict
judge(Sim *sim, const SimAccount *account, const char *token_code, Upload *upload,
	  const SimCall *call)
{
	SimFileFault fault = sim_file_fault_roll(sim);

	if (fault == SIM_FF_THROTTLE)
		return (Verdict){sim_file_fault_reply(sim, fault), SIM_FILE_THROTTLED, SIM_CODE_THROTTLED};
	if (SIM_FILE_FAULT_IS_EARLY(fault))
		return (Verdict){sim_file_fault_reply(sim, fault), SIM_FILE_FAULT, NULL};
	if (token_code != NULL)
		return refuse(SIM_FILE_TOKEN, token_code);
	return judge_upload(sim, account, upload, call, fault);
}

static void
describe_part(char *field, const SimPart *part)
{
	sim_field_set_bytes(field, part ? part->data : "", part ? part->len : 0);
}

/* What the ledger can say of an upload before it is judged. */
static void
describe(SimFileOffer *offer, Upload *upload, const SimAccount *account, const SimCall *call)
{
	const SimMultipart *multipart = &upload->multipart;

	offer->time_us = sim_epoch_us();
	offer->account = account ? account->id : "-";
	upload->formed = !call->body_cut && sim_multipart_parse(&upload->multipart, call->content_type,
															call->body, call->body_len);
	upload->file = sim_multipart_find(multipart, "file");
	describe_part(offer->file_id, sim_multipart_find(multipart, "fileId"));
	describe_part(offer->mime_type, sim_multipart_find(multipart, "mimeType"));
	sim_field_set(offer->size, NULL);
	sim_field_set(offer->sha256, NULL);
	if (upload->file == NULL)
		return;
	sim_sha256(upload->file->data, upload->file->len, upload->sha256);
	snprintf(offer->size, sizeof(offer->size), "%zu", upload->file->len);
	memcpy(offer->sha256, upload->sha256, sizeof(offer->sha256));
}

static void
count(SimFileCounts *counts, SimFileDecision decision)
{
	counts->offers++;
	counts->by_decision[decision]++;
}

SimReply
sim_file(Sim *sim, const SimCall *call)
{
	SimAccount *account;
	const char *token_code = sim_token_use(&sim->accounts, call->authorization, sim_clock_us(),
										   (uint64_t) sim->switches.token_every, &account);
	bool slow = sim_random_below(&sim->file_random, 100) < sim->switches.file_slow_pct;
	Upload upload = {0};
	SimFileOffer offer;
	Verdict verdict;

	describe(&offer, &upload, account, call);
	verdict = judge(sim, account, token_code, &upload, call);
	if (slow)
		verdict.reply.delay_us = (uint64_t) sim->switches.file_slow_ms * US_PER_MS;
	offer.decision = verdict.decision;
	offer.code = verdict.code;
	offer.status = verdict.reply.status;
	offer.answered = verdict.reply.action != SIM_ANSWER ? "no" : slow ? "late" : "yes";
	offer.expires_us = upload.expires_us;
	sim_file_ledger_write(&sim->file_ledger, &offer);
	count(&sim->stats.file_counts, verdict.decision);
	if (account != NULL)
		count(&account->file_counts, verdict.decision);
	return verdict.reply;
}
