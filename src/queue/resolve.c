/*
 * resolve.c
 *		rcs_resolve(): an operator decides about a message of uncertain outcome.
 *
 * Such a message is in no batch, so there is no batch row to lock.  Two
 * operators that decide at once wait for each other at its latest result, and
 * the next result, which both would write, is unique.  It must not know how
 * messages are leased.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/arguments.h"
#include "base/statement.h"
#include "process/owner.h"
#include "process/wakeup.h"
#include "queue/outbox.h"

typedef struct Uncertain
{
	int64 campaign_no;
	int64 batch_id;
	int ord;
	int attempt; /* of its latest result */
	bool erased;
	bool campaign_canceled;
} Uncertain;

typedef enum Decision
{
	SENT,
	RESEND,
	DROP
} Decision;

static const struct
{
	const char *name;
	const char *status; /* that follows */
	char outcome;
} decisions[] = {[SENT] = {"sent", "sent", RCS_ACCEPTED},
				 [RESEND] = {"resend", "queued", RCS_UNKNOWN},
				 [DROP] = {"drop", "failed", RCS_FAILED}};

PG_FUNCTION_INFO_V1(rcs_resolve);

static Decision
read_decision(const char *name)
{
	for (int i = 0; i < lengthof(decisions); i++)
		if (strcmp(decisions[i].name, name) == 0)
			return (Decision) i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown decision \"%s\"", name),
			 errhint("Decisions are \"sent\", \"resend\" and \"drop\".")));
}

/* ---------- which message ---------- */

static RcsStatement find =
	{"SELECT m.campaign_no, m.batch_id, m.ord, m.phone IS NULL,"
	 " coalesce(c.canceled_at IS NOT NULL, false)"
	 " FROM rcs.message m LEFT JOIN rcs.campaign c ON c.campaign_no = m.campaign_no"
	 " WHERE m.id = $1 ORDER BY m.campaign_no LIMIT 1",
	 1,
	 {UUIDOID},
	 NULL};
/* two statements: the second sees what the first has waited for */
static RcsStatement lock_result =
	{"SELECT FROM rcs.result r WHERE r.campaign_no = $1 AND r.batch_id = $2 AND r.ord = $3"
	 " ORDER BY r.attempt DESC LIMIT 1 FOR UPDATE",
	 3,
	 {INT8OID, INT8OID, INT4OID},
	 NULL};
static RcsStatement latest =
	{"SELECT max(r.attempt), (SELECT s.status FROM rcs.message_status s WHERE s.id = $4 LIMIT 1)"
	 " FROM rcs.result r WHERE r.campaign_no = $1 AND r.batch_id = $2 AND r.ord = $3",
	 4,
	 {INT8OID, INT8OID, INT4OID, UUIDOID},
	 NULL};

/* Finds the message and locks its latest result; an error if it is not uncertain. */
static void
lock_uncertain(const pg_uuid_t *id, Uncertain *u)
{
	Datum values[4] = {UUIDPGetDatum(id)};
	char *status;
	bool isnull;

	if (rcs_execute(&find, values, NULL) == 0)
		ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
						errmsg("message \"%s\" does not exist", rcs_uuid_text(id))));
	u->campaign_no = rcs_column_int64(0, 1);
	u->batch_id = rcs_column_int64(0, 2);
	u->ord = (int) rcs_column_int64(0, 3);
	u->erased = DatumGetBool(rcs_column(0, 4, &isnull));
	u->campaign_canceled = DatumGetBool(rcs_column(0, 5, &isnull));

	values[0] = Int64GetDatum(u->campaign_no);
	values[1] = Int64GetDatum(u->batch_id);
	values[2] = Int32GetDatum(u->ord);
	values[3] = UUIDPGetDatum(id);
	rcs_execute(&lock_result, values, NULL);
	rcs_execute(&latest, values, NULL);
	u->attempt = (int) rcs_column_int64(0, 1);
	status = rcs_column_text(0, 2, CurrentMemoryContext);
	if (status == NULL || strcmp(status, "uncertain") != 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("message \"%s\" is not uncertain", rcs_uuid_text(id)),
						errdetail("Its status is \"%s\".", status == NULL ? "unknown" : status)));
}

/* ---------- the decision ---------- */

static RcsStatement insert_result = {
	"INSERT INTO rcs.result (campaign_no, batch_id, ord, attempt, outcome, at, code, server, reason)"
	" SELECT r.campaign_no, r.batch_id, r.ord, r.attempt + 1, $5, clock_timestamp(), 'resolved',"
	"  r.server, $6"
	" FROM rcs.result r"
	" WHERE r.campaign_no = $1 AND r.batch_id = $2 AND r.ord = $3 AND r.attempt = $4",
	6,
	{INT8OID, INT8OID, INT4OID, INT2OID, CHAROID, TEXTOID},
	NULL};

static void
write_result(const Uncertain *u, Decision decision, Oid caller, text *note)
{
	char *who = GetUserNameFromId(caller, false);
	char *reason = note == NULL ? psprintf("%s, says %s", decisions[decision].name, who)
								: psprintf("%s, says %s: %s", decisions[decision].name, who,
										   text_to_cstring(note));
	Datum values[] = {Int64GetDatum(u->campaign_no),
					  Int64GetDatum(u->batch_id),
					  Int32GetDatum(u->ord),
					  Int16GetDatum((int16) u->attempt),
					  CharGetDatum(decisions[decision].outcome),
					  CStringGetTextDatum(reason)};

	rcs_execute(&insert_result, values, NULL);
}

/*
 * The new batch keeps the text and, if the chatbot still has it, the account of
 * the latest offer.  A "duplicate" answer then means accepted before.  The time
 * within which it may be offered again counts from this decision on.
 */
static RcsStatement insert_batch = {
	"INSERT INTO rcs.batch (campaign_no, batch_id, n, due_at, attempt, origin, ords, version,"
	"  unknown_since, server, reason, chatbot, sender)"
	" SELECT $1, $5, 1, now(), $4, $2, ARRAY[$3], nullif(i.version, 0), now(),"
	"  CASE WHEN i.server = ANY (t.servers) THEN i.server END, 'to be offered again (rcs_resolve)',"
	"  m.chatbot, coalesce(m.created_by, '')"
	" FROM rcs.message m"
	" LEFT JOIN rcs.campaign c ON c.campaign_no = m.campaign_no"
	" LEFT JOIN rcs.chatbot t ON t.chatbot = coalesce(c.chatbot, m.chatbot)"
	" LEFT JOIN LATERAL (SELECT x.version, x.server FROM rcs.intent x"
	"  WHERE x.campaign_no = $1 AND x.batch_id = $2 AND $3 = ANY (x.ords)"
	"  ORDER BY x.attempt DESC LIMIT 1) i ON true"
	" WHERE m.campaign_no = $1 AND m.batch_id = $2 AND m.ord = $3",
	5,
	{INT8OID, INT8OID, INT4OID, INT2OID, INT8OID},
	NULL};

static void
queue_again(const Uncertain *u)
{
	Oid sequence = get_relname_relid("batch_id_seq", get_namespace_oid("rcs", false));
	int64 batch_id = nextval_internal(sequence, false);
	Datum values[] = {Int64GetDatum(u->campaign_no), Int64GetDatum(u->batch_id),
					  Int32GetDatum(u->ord), Int16GetDatum((int16) (u->attempt + 2)),
					  Int64GetDatum(batch_id)};

	if (u->erased || u->campaign_canceled)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("message cannot be sent again"),
						u->erased ? errdetail("Its recipient was erased.")
								  : errdetail("Its campaign is canceled."),
						errhint("Decide \"sent\" or \"drop\".")));
	rcs_execute(&insert_batch, values, NULL);
	if (u->campaign_no == 0)
		rcs_wakeup_single(batch_id);
	else
		rcs_wakeup_campaign();
}

/* A message that is queued again is counted when its batch ends. */
static void
count(const Uncertain *u, Decision decision)
{
	RcsCounts counts = {0};

	if (u->campaign_no == 0)
		return;
	rcs_counts_add(&counts, RCS_UNCERTAIN, -1);
	rcs_counts_add(&counts, decisions[decision].outcome, 1);
	rcs_outbox_tally(u->campaign_no, &counts);
}

Datum
rcs_resolve(PG_FUNCTION_ARGS)
{
	Oid caller = GetUserId();
	RcsOwnerScope scope;
	Uncertain u;
	Decision decision;

	rcs_require_argument(PG_ARGISNULL(0), "message");
	rcs_require_argument(PG_ARGISNULL(1), "decision");
	decision = read_decision(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	rcs_owner_begin(&scope);
	SPI_connect();
	lock_uncertain(PG_GETARG_UUID_P(0), &u);
	write_result(&u, decision, caller, PG_ARGISNULL(2) ? NULL : PG_GETARG_TEXT_PP(2));
	if (decision == RESEND)
		queue_again(&u);
	count(&u, decision);
	SPI_finish();
	rcs_owner_end(&scope);
	PG_RETURN_TEXT_P(cstring_to_text(decisions[decision].status));
}
