/*
 * chunk.c
 *		Recipients of a campaign, judged one by one and stored by the thousand.
 *
 * One lock per campaign makes bulk adds stand in line: two that add the same
 * people in different orders would deadlock on the unique index.  Under that lock
 * ids are looked up, and only new recipients are numbered, so that batches are
 * full.  Memory is bounded by one chunk.
 *
 * It must not know the source of recipients (add.c).
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#include "account/chatbot.h"
#include "base/arguments.h"
#include "base/pg_compat.h"
#include "base/statement.h"
#include "campaign/campaign.h"
#include "campaign/chunk.h"
#include "campaign/judge.h"
#include "message/limits.h"
#include "message/message_id.h"
#include "message/phone.h"
#include "process/guc.h"
#include "process/owner.h"
#include "process/wakeup.h"
#include "queue/rejected.h"

#define NEW_ROWS "rcs_new_rows"
#define NEW_COLUMNS 7
#define BATCH_BYTES (1024 * 1024) /* of params: a worker holds a whole batch in memory */

typedef struct NewRow
{
	pg_uuid_t id;
	char phone[RCS_PHONE_MAX + 1];
	Jsonb *params;
	text *ref;
	bool consent_known;
	bool night_consent;
} NewRow;

struct RcsAdd
{
	Oid caller;
	RcsCampaign *campaign;
	RcsJudge *judge;
	TupleDesc new_desc;
	Oid message_relid;
	Oid message_index;
	Oid batch_sequence;

	int64 batch_id; /* the batch that is being filled */
	int filled;
	Size bytes; /* of the params in it */

	MemoryContext context; /* lives as long as the call */
	MemoryContext chunk;   /* reset after each flush */
	HTAB *seen;			   /* ids of this chunk */
	NewRow *rows;
	int nrows;
	List *rejected; /* of RcsRejected * */
	List *full;		/* of int64 *: batches filled in this chunk */
	RcsAddCounts counts;
};

/* ---------- begin ---------- */

static void
refuse_closed(const RcsCampaign *c)
{
	bool canceled = strcmp(c->state, "canceled") == 0;

	if (!canceled && !c->expired)
		return;
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("campaign \"%s\" is %s", rcs_uuid_text(&c->id),
						   canceled ? "canceled" : "expired"),
					errhint("Create another campaign for more recipients.")));
}

static TupleDesc
new_row_desc(void)
{
	TupleDesc desc = CreateTemplateTupleDesc(NEW_COLUMNS);

	TupleDescInitEntry(desc, 1, "batch_id", INT8OID, -1, 0);
	TupleDescInitEntry(desc, 2, "ord", INT4OID, -1, 0);
	TupleDescInitEntry(desc, 3, "night_consent", BOOLOID, -1, 0);
	TupleDescInitEntry(desc, 4, "id", UUIDOID, -1, 0);
	TupleDescInitEntry(desc, 5, "phone", TEXTOID, -1, 0);
	TupleDescInitEntry(desc, 6, "ref", TEXTOID, -1, 0);
	TupleDescInitEntry(desc, 7, "params", JSONBOID, -1, 0);
	RcsTupleDescFinalize(desc);
	return desc;
}

static Oid
relation_of_ours(const char *name)
{
	Oid relid = get_relname_relid(name, get_namespace_oid("rcs", false));

	if (!OidIsValid(relid))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("relation \"rcs.%s\" does not exist", name)));
	return relid;
}

static void
start_chunk(RcsAdd *a)
{
	HASHCTL ctl = {.keysize = sizeof(pg_uuid_t), .entrysize = sizeof(pg_uuid_t)};

	MemoryContextReset(a->chunk);
	ctl.hcxt = a->chunk;
	a->seen = hash_create("rcs recipients of a chunk", RCS_CHUNK_ROWS, &ctl,
						  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	a->rows = MemoryContextAlloc(a->chunk, sizeof(NewRow) * RCS_CHUNK_ROWS);
	a->nrows = 0;
	a->rejected = NIL;
	a->full = NIL;
}

RcsAdd *
rcs_add_begin(const pg_uuid_t *campaign)
{
	RcsAdd *a = palloc0(sizeof(RcsAdd));
	Oid caller = GetUserId();
	RcsChatbot *bot;
	Jsonb *message;
	RcsOwnerScope scope;

	a->context = CurrentMemoryContext;
	a->caller = caller;
	a->chunk = AllocSetContextCreate(a->context, "rcs chunk", ALLOCSET_DEFAULT_SIZES);
	rcs_owner_begin(&scope);
	SPI_connect();
	a->campaign = rcs_campaign_load(campaign, false, a->context);
	rcs_campaign_check_steer(a->campaign, caller);
	MemoryContextSwitchTo(a->context); /* SPI leaves us in its own, also below */
	bot = rcs_usable_chatbot(a->campaign->chatbot, caller);
	rcs_campaign_lock_adding(a->campaign->campaign_no);
	/* again: while the lock was waited for, the campaign may have ended or been purged */
	a->campaign = rcs_campaign_load_latest(campaign, a->context);
	refuse_closed(a->campaign);
	a->message_relid = relation_of_ours("message");
	a->message_index = relation_of_ours("message_id_campaign_no_key");
	a->batch_sequence = relation_of_ours("batch_id_seq");

	message = rcs_campaign_message(a->campaign, a->campaign->version, a->context);

	MemoryContextSwitchTo(a->context);
	a->judge = rcs_judge_new(a->campaign, bot, message);
	a->new_desc = new_row_desc();
	start_chunk(a);
	SPI_finish();
	rcs_owner_end(&scope);
	return a;
}

/* ---------- one recipient ---------- */

MemoryContext
rcs_add_row_context(RcsAdd *a)
{
	return a->chunk;
}

static void
reject(RcsAdd *a, const RcsRecipient *r, const char *code, const char *reason)
{
	RcsRejected *row = palloc0(sizeof(RcsRejected));

	row->campaign = &a->campaign->id;
	row->phone = r->phone;
	row->phone_len = r->phone_len;
	/* what is too long is not kept, either */
	row->params = rcs_params_fault(r->params) == NULL ? r->params : NULL;
	row->ref = rcs_ref_fault(r->ref) == NULL ? r->ref : NULL;
	row->code = code;
	row->reason = reason;
	a->rejected = lappend(a->rejected, row);
	a->counts.rejected++;
}

void
rcs_add_recipient(RcsAdd *a, const RcsRecipient *r)
{
	MemoryContext old = MemoryContextSwitchTo(a->chunk);
	NewRow *row = &a->rows[a->nrows];
	const char *fault = "is null";
	const char *code;
	const char *reason;
	bool repeated;

	if (r->phone != NULL)
		fault = rcs_phone_from_server(r->phone, r->phone_len, row->phone);
	if (fault != NULL)
		reject(a, r, "phone", psprintf("the number %s", fault));
	else if ((fault = rcs_ref_fault(r->ref)) != NULL)
		reject(a, r, "too_long", fault);
	else if (!rcs_judge_params(a->judge, r->params, &code, &reason))
		reject(a, r, code, reason);
	else
	{
		rcs_message_id(&a->campaign->id, row->phone, 0, &row->id);
		hash_search(a->seen, &row->id, HASH_ENTER, &repeated);
		row->params = r->params;
		row->ref = r->ref;
		row->consent_known = r->consent_known;
		row->night_consent = r->night_consent;
		if (repeated)
			a->counts.duplicates++;
		else
			a->nrows++;
	}
	MemoryContextSwitchTo(old);
}

/* ---------- dropping known recipients ---------- */

/*
 * Drops the rows whose ids are there already.  By the index and not by SQL:
 * a plan made while the table was small must not decide how ten million rows
 * are searched.  The latest snapshot, since in REPEATABLE READ the
 * transaction's own may not see what the last holder of the lock has added.
 */
static void
drop_known(RcsAdd *a)
{
	Relation rel = table_open(a->message_relid, AccessShareLock);
	AttrNumber column = get_attnum(a->message_relid, "id");
	Snapshot snapshot;
	int kept = 0;

	CommandCounterIncrement();
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	for (int i = 0; i < a->nrows; i++)
	{
		ScanKeyData key;
		SysScanDesc scan;

		ScanKeyInit(&key, column, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(&a->rows[i].id));
		scan = systable_beginscan(rel, a->message_index, true, snapshot, 1, &key);
		if (HeapTupleIsValid(systable_getnext(scan)))
			a->counts.duplicates++;
		else if (kept++ < i)
			a->rows[kept - 1] = a->rows[i];
		systable_endscan(scan);
	}
	UnregisterSnapshot(snapshot);
	table_close(rel, AccessShareLock);
	a->nrows = kept;
}

/*
 * A person who was erased from this campaign is in it already, under a random
 * id; a hash of the former id is known.
 */
static RcsStatement find_erased =
	{"SELECT u.n::int FROM rcs.installation i CROSS JOIN unnest($2) WITH ORDINALITY u(id, n)"
	 " WHERE EXISTS (SELECT FROM rcs.erased e WHERE e.campaign_no = $1)"
	 "  AND EXISTS (SELECT FROM rcs.erased e"
	 "   WHERE e.id_hash = sha256(i.phone_key || convert_to(u.id::text, 'UTF8')))",
	 2,
	 {INT8OID, UUIDARRAYOID},
	 NULL};

static void
drop_erased(RcsAdd *a)
{
	Datum *ids = palloc(sizeof(Datum) * Max(a->nrows, 1));
	bool *erased = palloc0(sizeof(bool) * Max(a->nrows, 1));
	Datum values[] = {Int64GetDatum(a->campaign->campaign_no), (Datum) 0};
	uint64 n;
	int kept = 0;

	for (int i = 0; i < a->nrows; i++)
		ids[i] = UUIDPGetDatum(&a->rows[i].id);
	values[1] =
		PointerGetDatum(construct_array(ids, a->nrows, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR));
	n = rcs_execute(&find_erased, values, NULL);
	for (uint64 i = 0; i < n; i++)
		erased[rcs_column_int64(i, 1) - 1] = true;
	for (int i = 0; i < a->nrows; i++)
		if (!erased[i])
			a->rows[kept++] = a->rows[i];
	a->counts.duplicates += a->nrows - kept;
	a->nrows = kept;
}

/* ---------- storing ---------- */

static void
close_batch(RcsAdd *a)
{
	int64 *batch = palloc(sizeof(int64) * 2);

	batch[0] = a->batch_id;
	batch[1] = a->filled;
	a->full = lappend(a->full, batch);
	a->filled = 0;
	a->bytes = 0;
}

/* The place of the next message; batches are filled across chunks. */
static void
next_place(RcsAdd *a, const Jsonb *params)
{
	if (a->filled >= rcs_batch_size || a->bytes > BATCH_BYTES)
		close_batch(a);
	if (a->filled == 0)
		a->batch_id = nextval_internal(a->batch_sequence, false);
	a->filled++;
	a->bytes += params ? VARSIZE(params) : 0;
}

static Tuplestorestate *
number_rows(RcsAdd *a)
{
	Tuplestorestate *store = tuplestore_begin_heap(false, false, work_mem);

	for (int i = 0; i < a->nrows; i++)
	{
		NewRow *row = &a->rows[i];
		Datum values[NEW_COLUMNS];
		bool nulls[NEW_COLUMNS] = {false};

		next_place(a, row->params);
		values[0] = Int64GetDatum(a->batch_id);
		values[1] = Int32GetDatum(a->filled);
		values[2] = BoolGetDatum(row->night_consent);
		nulls[2] = !row->consent_known;
		values[3] = UUIDPGetDatum(&row->id);
		values[4] = CStringGetTextDatum(row->phone);
		values[5] = PointerGetDatum(row->ref);
		nulls[5] = row->ref == NULL;
		values[6] = PointerGetDatum(row->params);
		nulls[6] = row->params == NULL;
		tuplestore_putvalues(store, a->new_desc, values, nulls);
	}
	return store;
}

static RcsStatement insert_rows =
	{"INSERT INTO rcs.message (campaign_no, batch_id, ord, night_consent, id, created_at, phone,"
	 " ref, params)"
	 " SELECT $1, r.batch_id, r.ord, r.night_consent, r.id, now(), r.phone, r.ref, r.params"
	 " FROM " NEW_ROWS " r",
	 1,
	 {INT8OID},
	 NULL};

/* The rows stand under a name that is known to this SPI connection only. */
static void
store_rows(RcsAdd *a)
{
	EphemeralNamedRelation enr = palloc0(sizeof(EphemeralNamedRelationData));
	Datum values[] = {Int64GetDatum(a->campaign->campaign_no)};

	enr->md.name = NEW_ROWS;
	enr->md.reliddesc = InvalidOid;
	enr->md.tupdesc = a->new_desc;
	enr->md.enrtype = ENR_NAMED_TUPLESTORE;
	enr->md.enrtuples = RCS_CHUNK_ROWS;
	enr->reldata = number_rows(a);
	if (SPI_register_relation(enr) != SPI_OK_REL_REGISTER)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not register the recipients")));
	rcs_execute(&insert_rows, values, NULL);
	tuplestore_end(enr->reldata);
	a->counts.added += a->nrows;
}

static RcsStatement insert_batches =
	{"INSERT INTO rcs.batch (campaign_no, batch_id, n, due_at)"
	 " SELECT $1, u.batch_id, u.n, now() FROM unnest($2, $3) AS u(batch_id, n)",
	 3,
	 {INT8OID, INT8ARRAYOID, INT4ARRAYOID},
	 NULL};

static void
store_batches(RcsAdd *a)
{
	int n = list_length(a->full);
	int64 *ids = palloc(sizeof(int64) * Max(n, 1));
	int *sizes = palloc(sizeof(int) * Max(n, 1));
	Datum values[3];

	for (int i = 0; i < n; i++)
	{
		int64 *batch = list_nth(a->full, i);

		ids[i] = batch[0];
		sizes[i] = (int) batch[1];
	}
	values[0] = Int64GetDatum(a->campaign->campaign_no);
	values[1] = PointerGetDatum(rcs_int64_array(ids, n));
	values[2] = PointerGetDatum(rcs_int32_array(sizes, n));
	if (n > 0)
		rcs_execute(&insert_batches, values, NULL);
	a->full = NIL;
}

static void
store_rejected(RcsAdd *a)
{
	ListCell *lc;

	foreach(lc, a->rejected)
		rcs_rejected_insert(lfirst(lc));
}

void
rcs_add_flush(RcsAdd *a)
{
	RcsOwnerScope scope;

	rcs_owner_begin(&scope);
	SPI_connect();
	drop_known(a);
	drop_erased(a);
	if (a->nrows > 0)
		store_rows(a);
	store_batches(a);
	store_rejected(a);
	SPI_finish();
	rcs_owner_end(&scope);
	start_chunk(a);
}

/* ---------- finish ---------- */

static RcsStatement insert_tally =
	{"INSERT INTO rcs.tally (campaign_no, what, n)"
	 " SELECT $1, u.what, u.n FROM unnest($2, $3) AS u(what, n) WHERE u.n <> 0",
	 3,
	 {INT8OID, TEXTARRAYOID, INT8ARRAYOID},
	 NULL};

static void
store_tally(RcsAdd *a)
{
	static const char *const names[] = {"total", "duplicates", "rejected"};
	int64 counts[] = {a->counts.added, a->counts.duplicates, a->counts.rejected};
	Datum values[3];

	values[0] = Int64GetDatum(a->campaign->campaign_no);
	values[1] = PointerGetDatum(rcs_text_array(names, lengthof(names)));
	values[2] = PointerGetDatum(rcs_int64_array(counts, lengthof(counts)));
	rcs_execute(&insert_tally, values, NULL);
}

static void
store_event(RcsAdd *a)
{
	rcs_campaign_event(a->campaign->campaign_no, "added", a->caller,
					   psprintf("{\"added\": " INT64_FORMAT ", \"duplicates\": " INT64_FORMAT
								", \"rejected\": " INT64_FORMAT "}",
								a->counts.added, a->counts.duplicates, a->counts.rejected));
}

void
rcs_add_finish(RcsAdd *a, RcsAddCounts *counts)
{
	RcsOwnerScope scope;

	rcs_add_flush(a);
	rcs_owner_begin(&scope);
	SPI_connect();
	if (a->filled > 0)
		close_batch(a);
	store_batches(a);
	store_tally(a);
	if (a->counts.added + a->counts.duplicates + a->counts.rejected > 0)
		store_event(a);
	SPI_finish();
	rcs_owner_end(&scope);
	if (a->counts.added > 0)
		rcs_wakeup_campaign();
	*counts = a->counts;
	MemoryContextDelete(a->chunk);
}
