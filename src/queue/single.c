/*
 * single.c
 *		One single message into the queue, in the caller's transaction.
 *
 * A single message is a batch of one, so that it is leased and deleted by key.
 * Text and rights were judged before.  This file must not know when and how a
 * message leaves.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "account/creator.h"
#include "base/statement.h"
#include "message/message_id.h"
#include "process/wakeup.h"
#include "queue/single.h"

#define MAX_KEY_RACES 10 /* in a row in which a key is purged and used again while we look */

/* ---------- checks of all functions that send ---------- */

void
rcs_check_times(TimestampTz start_at, TimestampTz expires_at, const char *start_name)
{
	if (start_at != 0 && TIMESTAMP_NOT_FINITE(start_at))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s is infinite", start_name),
				 errhint("Give a point in time, or leave %s out.", start_name)));
	if (expires_at == 0)
		return;
	if (expires_at <= GetCurrentTimestamp())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("expires_at is in the past"),
				 errhint("Give a later time, or leave expires_at out.")));
	if (start_at != 0 && expires_at <= start_at)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("expires_at is not after %s", start_name),
						errhint("Give a later time, or leave expires_at out.")));
}

/* ---------- queueing ---------- */

static RcsStatement insert_single =
	{"WITH m AS ("
	 " INSERT INTO rcs.message (campaign_no, batch_id, ord, id, created_at, phone, message,"
	 "  chatbot, key, digest, send_at, expires_at, created_by)"
	 " VALUES (0, $1, 1, $2, now(), $3, $4, $5, $6, $7, $8, $9, $10)"
	 " ON CONFLICT (id, campaign_no) DO NOTHING RETURNING send_at, created_by)"
	 " INSERT INTO rcs.batch (campaign_no, batch_id, n, due_at, chatbot, sender, urgent)"
	 " SELECT 0, $1, 1, coalesce(m.send_at, now()), $5, m.created_by, $11 FROM m",
	 11,
	 {INT8OID, UUIDOID, TEXTOID, JSONBOID, TEXTOID, TEXTOID, BYTEAOID, TIMESTAMPTZOID,
	  TIMESTAMPTZOID, TEXTOID, BOOLOID},
	 NULL};

bool
rcs_single_insert(const RcsSingle *single)
{
	Oid sequence = get_relname_relid("batch_id_seq", get_namespace_oid("rcs", false));
	int64 batch_id = nextval_internal(sequence, false);
	Datum values[11];
	char nulls[] = "           ";
	bool inserted;

	values[0] = Int64GetDatum(batch_id);
	values[1] = UUIDPGetDatum(&single->id);
	values[2] = CStringGetTextDatum(single->phone);
	values[3] = JsonbPGetDatum(single->message);
	values[4] = CStringGetTextDatum(single->chatbot);
	values[5] = single->key ? CStringGetTextDatum(single->key) : (Datum) 0;
	values[6] = PointerGetDatum(single->digest);
	values[7] = TimestampTzGetDatum(single->send_at);
	values[8] = TimestampTzGetDatum(single->expires_at);
	values[10] = BoolGetDatum(single->urgent);
	if (single->key == NULL)
		nulls[5] = 'n';
	if (single->digest == NULL)
		nulls[6] = 'n';
	if (single->send_at == 0)
		nulls[7] = 'n';
	if (single->expires_at == 0)
		nulls[8] = 'n';

	SPI_connect();
	values[9] = CStringGetTextDatum(rcs_creator(single->created_by));
	inserted = rcs_execute(&insert_single, values, nulls) > 0;
	SPI_finish();
	if (inserted)
		rcs_wakeup_single(batch_id);
	return inserted;
}

/* ---------- keys ---------- */

static RcsStatement make_namespace =
	{"INSERT INTO rcs.installation DEFAULT VALUES ON CONFLICT DO NOTHING", 0, {0}, NULL};
static RcsStatement read_namespace = {"SELECT i.namespace FROM rcs.installation i", 0, {0}, NULL};

/* The namespace is written at the first key; two transactions that are first wait for each other. */
void
rcs_single_namespace(pg_uuid_t *ns)
{
	bool isnull;

	SPI_connect();
	if (rcs_execute(&read_namespace, NULL, NULL) == 0)
	{
		rcs_execute(&make_namespace, NULL, NULL);
		if (rcs_execute(&read_namespace, NULL, NULL) == 0)
			ereport(
				ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg(
					 "could not read the namespace of keys, which another transaction has just written"),
				 errhint("Repeat the transaction.")));
	}
	*ns = *DatumGetUUIDP(rcs_column(0, 1, &isnull));
	SPI_finish();
}

static char *
to_utf8(const char *text)
{
	return pg_server_to_any(text, (int) strlen(text), PG_UTF8);
}

/* The digest of phone and message: the same for two calls that ask the same. */
static bytea *
content_digest(const RcsSingle *single)
{
	StringInfoData content;
	bytea *bytes;

	initStringInfo(&content);
	appendStringInfo(&content, "%s\n", single->phone);
	JsonbToCString(&content, &single->message->root, VARSIZE(single->message));
	bytes = palloc(content.len + VARHDRSZ);
	SET_VARSIZE(bytes, content.len + VARHDRSZ);
	memcpy(VARDATA(bytes), content.data, content.len);
	return DatumGetByteaPP(DirectFunctionCall1(sha256_bytea, PointerGetDatum(bytes)));
}

void
rcs_single_identify(RcsSingle *single, const pg_uuid_t *ns)
{
	rcs_keyed_id(ns, to_utf8(single->chatbot), to_utf8(single->key), &single->id);
	single->digest = content_digest(single);
}

/* by the id alone, so that no index on campaign_no can be taken instead */
static RcsStatement find_keyed =
	{"SELECT m.phone = $2 AND m.digest = $3 FROM rcs.message m WHERE m.id = $1",
	 3,
	 {UUIDOID, TEXTOID, BYTEAOID},
	 NULL};

static void
refuse_used_key(void)
{
	ereport(ERROR, (errcode(ERRCODE_UNIQUE_VIOLATION),
					errmsg("key was used before with another phone number or content"),
					errhint("Use a new key, or repeat exactly what was sent under this one.")));
}

/* False when no message has the id, or no message any more. */
static bool
is_repeat(const RcsSingle *single)
{
	Datum values[] = {UUIDPGetDatum(&single->id), CStringGetTextDatum(single->phone),
					  PointerGetDatum(single->digest)};
	bool found;
	bool isnull;
	bool same = false;

	SPI_connect();
	found = rcs_execute(&find_keyed, values, NULL) > 0;
	if (found)
		same = DatumGetBool(rcs_column(0, 1, &isnull));
	SPI_finish();
	if (found && !same)
		refuse_used_key();
	return found;
}

/*
 * If the recipient of an earlier message with this key was erased, the id is
 * free, but a hash of it is known.
 */
static RcsStatement find_erased =
	{"SELECT e.again_hash IS NOT DISTINCT FROM sha256(i.phone_key"
	 "  || convert_to($1::text || encode($2, 'hex'), 'UTF8'))"
	 " FROM rcs.installation i JOIN rcs.erased e"
	 "  ON e.id_hash = sha256(i.phone_key || convert_to($1::text, 'UTF8'))",
	 2,
	 {UUIDOID, BYTEAOID},
	 NULL};
static RcsStatement take_back =
	{"WITH m AS (DELETE FROM rcs.message k WHERE k.id = $1 RETURNING k.batch_id)"
	 " DELETE FROM rcs.batch b USING m WHERE b.campaign_no = 0 AND b.batch_id = m.batch_id",
	 1,
	 {UUIDOID},
	 NULL};

/* Called after the insertion, which has waited for an erasure under way. */
static void
take_back_erased(const RcsSingle *single)
{
	Datum values[] = {UUIDPGetDatum(&single->id), PointerGetDatum(single->digest)};
	bool isnull;
	bool same = true;

	SPI_connect();
	if (rcs_execute(&find_erased, values, NULL) > 0)
	{
		same = DatumGetBool(rcs_column(0, 1, &isnull));
		rcs_execute(&take_back, values, NULL);
	}
	SPI_finish();
	if (!same)
		refuse_used_key();
}

/* The same key again gives the same id, and sends nothing again. */
void
rcs_single_insert_keyed(RcsSingle *single)
{
	pg_uuid_t ns;

	rcs_single_namespace(&ns);
	rcs_single_identify(single, &ns);
	for (int i = 0; i < MAX_KEY_RACES; i++)
	{
		if (rcs_single_insert(single))
		{
			take_back_erased(single);
			return;
		}
		if (is_repeat(single))
			return;
	}
	ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					errmsg("key is being used by other transactions"),
					errhint("Repeat the transaction.")));
}
