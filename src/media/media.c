/*
 * media.c
 *		rcs_media: an image to the carrier, unless it is there.
 *
 * The backend looks in the tables.  The single worker 0 of the database uploads a
 * missing image: it has the tokens of the accounts, and it commits by itself, so that a
 * rollback here forgets nothing and fifty calls cause one upload.  The wait can be
 * canceled at any time.  This file must not know the carrier.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/wait_event.h"

#include "account/chatbot.h"
#include "base/pg_compat.h"
#include "media/media_segment.h"
#include "media/media_shared.h"
#include "media/media_store.h"
#include "process/guc.h"
#include "process/owner.h"
#include "process/shmem.h"

#define NO_UPLOADER_US INT64CONST(15000000)
#define NAP_MS 100
#define NAP_FULL_MS 20

typedef struct MediaCall
{
	const char *bytes;
	size_t len;
	uint8 digest[RCS_MEDIA_DIGEST];
	RcsChatbot *chatbot;
	List *accounts; /* of RcsServerOptions */
} MediaCall;

/* ---------- arguments ---------- */

static void
refuse(const char *reason, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s", reason), errhint("%s", hint)));
}

static void
check_type(const char *given, const char *type)
{
	if (!rcs_media_is_type(given, type))
		refuse(psprintf("the image is of type %s, not \"%s\"", type, given),
			   "Leave mime_type out: the type is told by the content.");
}

static void
read_file(FunctionCallInfo fcinfo, MediaCall *call)
{
	const char *type = NULL;
	const char *problem;
	bytea *file;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("file must not be null")));
	/* looked at first, so that a gigabyte is not unpacked in order to be refused */
	if (toast_raw_datum_size(PG_GETARG_DATUM(0)) > RCS_MEDIA_MAX + VARHDRSZ)
		refuse("the image is larger than 1 MB",
			   "The carrier takes images of at most 1048576 bytes.");
	file = PG_GETARG_BYTEA_PP(0);
	call->bytes = VARDATA_ANY(file);
	call->len = VARSIZE_ANY_EXHDR(file);
	problem = rcs_media_problem(call->bytes, call->len, &type);
	if (problem != NULL)
		refuse(problem, "The carrier takes JPEG and PNG images.");
	if (!PG_ARGISNULL(1))
		check_type(text_to_cstring(PG_GETARG_TEXT_PP(1)), type);
	rcs_media_digest(call->bytes, call->len, call->digest);
}

static void
load_accounts(MediaCall *call)
{
	ListCell *lc;

	foreach(lc, call->chatbot->servers)
	{
		RcsServerOptions *o = rcs_account_load(lfirst(lc), false);

		if (o->problem != NULL)
			ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
							errmsg("server \"%s\" cannot be used: %s", o->name, o->problem),
							errhint("Chatbot \"%s\" sends through it.", call->chatbot->chatbot)));
		call->accounts = lappend(call->accounts, o);
	}
}

/* ---------- asking the uploader ---------- */

static void
nap(long ms)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ms,
					 RcsWaitEvent("RcsMediaUpload"));
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

static void
refuse_without_uploader(const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("no worker uploads images of this database"), errdetail("%s", detail),
					errhint("Images are uploaded by the worker for single messages: rcs must be in "
							"shared_preload_libraries, and rcs.single_workers at least 1. "
							"See rcs.worker_status.")));
}

static RcsMediaAnswer
wait_for_answer(dsm_segment *segment, const MediaCall *call)
{
	RcsMediaAnswer answer;
	int64 silent_us;

	while (!rcs_media_ask(segment, call->chatbot->chatbot, call->digest))
		nap(NAP_FULL_MS);
	while (!rcs_media_answered(&answer, &silent_us))
	{
		if (silent_us > NO_UPLOADER_US)
			refuse_without_uploader("It was waited for, and has not answered for 15 seconds.");
		nap(NAP_MS);
	}
	return answer;
}

/* Gives the id under which all accounts have the image now. */
static char *
upload(const MediaCall *call)
{
	dsm_segment *segment;
	RcsMediaAnswer answer;

	if (!rcs_preloaded())
		refuse_without_uploader("The library was not loaded when the server started.");
	if (rcs_single_workers == 0)
		refuse_without_uploader("The setting rcs.single_workers is 0.");
	segment = rcs_media_segment_make(call->chatbot->servers, call->bytes, call->len);
	answer = wait_for_answer(segment, call);
	dsm_detach(segment);
	if (!answer.ok)
		ereport(ERROR, (errcode(answer.sqlstate), errmsg("%s", answer.text)));
	return pstrdup(answer.text);
}

/* ---------- SQL ---------- */

PG_FUNCTION_INFO_V1(rcs_media);
Datum
rcs_media(PG_FUNCTION_ARGS)
{
	Oid caller = GetUserId();
	RcsOwnerScope scope;
	RcsMediaNeed need;
	MediaCall call = {0};
	char *given = PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2));
	char *file_id;

	read_file(fcinfo, &call);
	rcs_owner_begin(&scope);
	call.chatbot = rcs_usable_chatbot(given, caller);
	load_accounts(&call);
	SPI_connect();
	rcs_media_need(call.digest, call.accounts, true, CurrentMemoryContext, &need);
	file_id = need.missing == NIL ? need.file_id : NULL;
	SPI_finish();
	if (file_id == NULL)
		file_id = upload(&call);
	rcs_owner_end(&scope);
	PG_RETURN_TEXT_P(cstring_to_text(psprintf(RCS_MEDIA_SCHEME "%s", file_id)));
}
