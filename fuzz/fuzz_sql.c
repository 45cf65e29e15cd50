/*
 * fuzz_sql.c
 *		The same input through the functions that users call, in a
 *		subtransaction that is rolled back.
 *
 * The rules were asked before (rcs_fuzz.c): here they are compared with what
 * comes out at the end.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "fuzz_sql.h"

/* A statement, prepared at its first use. */
typedef struct Statement
{
	const char *sql;
	SPIPlanPtr plan;
} Statement;

static Statement validate =
	{"SELECT count(*)::int FROM public.rcs_validate($1) WHERE code <> '' AND problem <> ''", NULL};
static Statement render = {"SELECT 1 FROM public.rcs_render($1, $2)", NULL};
static Statement send = {"SELECT 1 FROM public.rcs_send('01012345678', $1, params => $2)", NULL};
static Statement campaign = {
	"SELECT (public.rcs_campaign_add(public.rcs_campaign_create('fuzz', $1), '{01012345678}'::text[],"
	" ARRAY[$2])).added::int",
	NULL};

/* The number it gives, or -1 and the SQLSTATE of its error. */
static int
ask(Statement *s, Jsonb *message, Jsonb *params, int *sqlstate, char **error)
{
	Oid types[] = {JSONBOID, JSONBOID};
	Datum values[] = {JsonbPGetDatum(message), PointerGetDatum(params)};
	char nulls[] = {' ', params ? ' ' : 'n', '\0'};
	bool isnull;

	*sqlstate = 0;
	*error = "";
	if (s->plan == NULL)
	{
		s->plan = SPI_prepare(s->sql, 2, types);
		SPI_keepplan(s->plan);
	}
	if (SPI_execute_plan(s->plan, values, nulls, false, 0) != SPI_OK_SELECT || SPI_processed != 1)
		return -1;
	return DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

static int
attempt(Statement *s, Jsonb *message, Jsonb *params, int *sqlstate, char **error)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile int answer = -1;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		SPI_connect();
		answer = ask(s, message, params, sqlstate, error);
		SPI_finish();
	}
	PG_CATCH();
	{
		ErrorData *e;

		MemoryContextSwitchTo(context);
		e = CopyErrorData();
		FlushErrorState();
		answer = -1;
		*sqlstate = e->sqlerrcode;
		*error = psprintf("%s: %s", e->message, e->detail ? e->detail : "");
	}
	PG_END_TRY();
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return answer;
}

bool
fuzz_names_address(Jsonb *message)
{
	char *text = JsonbToCString(NULL, &message->root, VARSIZE(message));

	return strcasestr(text, "\"http") != NULL;
}

static void
compare(Statement *s, const char *name, Jsonb *message, Jsonb *params, int expected, bool fetched,
		StringInfo verdict)
{
	int sqlstate;
	char *error;
	int answer = attempt(s, message, params, &sqlstate, &error);

	if (answer == expected)
		return;
	if (fetched && expected > 0 && sqlstate == ERRCODE_INVALID_PARAMETER_VALUE)
		return;
	appendStringInfo(verdict, "; BROKEN %s: %d, not %d (%s %s)", name, answer, expected,
					 unpack_sql_state(sqlstate), error);
}

void
fuzz_through_sql(Jsonb *message, Jsonb *params, const FuzzExpected *expected, StringInfo verdict)
{
	int sqlstate;
	char *error;

	compare(&validate, "rcs_validate", message, params, expected->faults, false, verdict);
	compare(&send, "rcs_send", message, params, expected->taken ? 1 : -1, expected->fetched,
			verdict);
	(void) attempt(&render, message, params, &sqlstate, &error);
	if (sqlstate != 0 && sqlstate != ERRCODE_INVALID_PARAMETER_VALUE &&
		sqlstate != ERRCODE_PROGRAM_LIMIT_EXCEEDED)
		appendStringInfo(verdict, "; BROKEN rcs_render: %s %s", unpack_sql_state(sqlstate), error);
	if (expected->recipient)
		compare(&campaign, "rcs_campaign_add", message, params, 1, expected->fetched, verdict);
}
