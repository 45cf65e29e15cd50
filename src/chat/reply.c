/*
 * reply.c
 *		Queues the answers to users, each as the role of its rule.
 *
 * The functions of schema/100_reply.sql and 101_chat.sql choose the rule and make
 * the message; they call these as the extension's owner.  This file must not know
 * rules.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "account/chatbot.h"
#include "account/media_check.h"
#include "base/statement.h"
#include "message/draft.h"
#include "process/owner.h"
#include "process/wakeup.h"
#include "queue/single.h"

/* ---------- queueing ---------- */

/* Reads the arguments (role oid, chatbot, phone, message, key): the message as that role would send it. */
static void
make_single(FunctionCallInfo fcinfo, const RcsChatbot *bot, const pg_uuid_t *ns, RcsSingle *single)
{
	RcsDraft draft = {.message = PG_GETARG_JSONB_P(3), .facts = rcs_chatbot_facts(bot)};
	RcsProblem problem;

	memset(single, 0, sizeof(*single));
	single->created_by = PG_GETARG_OID(0);
	single->phone = text_to_cstring(PG_GETARG_TEXT_PP(2));
	single->key = text_to_cstring(PG_GETARG_TEXT_PP(4));
	single->chatbot = bot->chatbot;
	single->message = rcs_message_build(&draft, &problem);
	if (single->message == NULL ||
		!rcs_media_check_urls(single->message, single->created_by, &problem))
		rcs_problem_raise(&problem);
	if (ns != NULL)
		rcs_single_identify(single, ns);
}

PG_FUNCTION_INFO_V1(rcs_reply_send);
Datum
rcs_reply_send(PG_FUNCTION_ARGS)
{
	RcsOwnerScope scope;
	RcsSingle single;
	pg_uuid_t *id = palloc(sizeof(pg_uuid_t));

	rcs_owner_begin(&scope);
	make_single(fcinfo, rcs_usable_chatbot(text_to_cstring(PG_GETARG_TEXT_PP(1)), PG_GETARG_OID(0)),
				NULL, &single);
	rcs_single_insert_keyed(&single);
	rcs_owner_end(&scope);
	*id = single.id;
	PG_RETURN_UUID_P(id);
}

/* Looked up once for all messages of a statement that have the same chatbot and role. */
typedef struct Maker
{
	Oid role;
	RcsChatbot *bot;
	pg_uuid_t ns;
	TupleDesc desc;
} Maker;

static Maker *
maker_of(FunctionCallInfo fcinfo)
{
	Maker *m = fcinfo->flinfo->fn_extra;
	char *chatbot = text_to_cstring(PG_GETARG_TEXT_PP(1));
	MemoryContext old;

	if (m != NULL && m->role == PG_GETARG_OID(0) && strcmp(m->bot->chatbot, chatbot) == 0)
		return m;
	old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	m = palloc0(sizeof(Maker));
	m->role = PG_GETARG_OID(0);
	m->bot = rcs_usable_chatbot(chatbot, m->role);
	rcs_single_namespace(&m->ns);
	if (get_call_result_type(fcinfo, NULL, &m->desc) != TYPEFUNC_COMPOSITE)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("rcs._reply_make does not return what it is to return")));
	m->desc = BlessTupleDesc(CreateTupleDescCopy(m->desc));
	MemoryContextSwitchTo(old);
	fcinfo->flinfo->fn_extra = m;
	return m;
}

/* Makes (id, message, digest) as rcs_reply_send does, and queues nothing: the calling statement does. */
PG_FUNCTION_INFO_V1(rcs_reply_make);
Datum
rcs_reply_make(PG_FUNCTION_ARGS)
{
	Maker *m = maker_of(fcinfo);
	RcsSingle single;
	Datum values[3];
	bool nulls[3] = {false, false, false};

	make_single(fcinfo, m->bot, &m->ns, &single);
	values[0] = UUIDPGetDatum(&single.id);
	values[1] = JsonbPGetDatum(single.message);
	values[2] = PointerGetDatum(single.digest);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(m->desc, values, nulls)));
}

PG_FUNCTION_INFO_V1(rcs_reply_queued);
Datum
rcs_reply_queued(PG_FUNCTION_ARGS)
{
	rcs_wakeup_single(PG_GETARG_INT64(0));
	PG_RETURN_BOOL(true);
}

/* ---------- by hand ---------- */

static RcsStatement by_hand = {"SELECT rcs._reply_by_hand($1, $2, $3)",
							   3,
							   {OIDOID, INT8OID, JSONBOID},
							   NULL};

PG_FUNCTION_INFO_V1(rcs_reply);
Datum
rcs_reply(PG_FUNCTION_ARGS)
{
	Oid caller = GetUserId();
	pg_uuid_t *id = palloc(sizeof(pg_uuid_t));
	RcsOwnerScope scope;
	Datum values[3];
	bool isnull;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("inbound and message must not be null")));
	values[0] = ObjectIdGetDatum(caller);
	values[1] = PG_GETARG_DATUM(0);
	values[2] = PG_GETARG_DATUM(1);
	rcs_owner_begin(&scope);
	SPI_connect();
	rcs_execute(&by_hand, values, NULL);
	*id = *DatumGetUUIDP(rcs_column(0, 1, &isnull));
	SPI_finish();
	rcs_owner_end(&scope);
	PG_RETURN_UUID_P(id);
}

/* ---------- waking ---------- */

/* Trigger on rcs.inbound: wakes the chat workers at COMMIT. */
PG_FUNCTION_INFO_V1(rcs_inbound_came);
Datum
rcs_inbound_came(PG_FUNCTION_ARGS)
{
	rcs_wakeup_chat();
	return PointerGetDatum(NULL);
}
