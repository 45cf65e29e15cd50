/*
 * people.c
 *		The wishes of a person: rcs_optout(), rcs_optin(), rcs_erase().
 *
 * The tables are written by functions of schema/053_people.sql and
 * 054_erase.sql.  This file checks rights, and tells the workers at COMMIT.  It
 * must not know how messages are leased.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "account/account.h"
#include "account/chatbot.h"
#include "base/statement.h"
#include "process/ext_state.h"
#include "process/owner.h"
#include "process/wakeup.h"

PG_FUNCTION_INFO_V1(rcs_optout);
PG_FUNCTION_INFO_V1(rcs_optin);
PG_FUNCTION_INFO_V1(rcs_erase);

static RcsStatement all_servers =
	{"SELECT DISTINCT s.name FROM rcs.chatbot c CROSS JOIN LATERAL unnest(c.servers) s(name)",
	 0,
	 {0},
	 NULL};

/* The servers through which advertising of the chatbot, or of all chatbots, would go. */
static List *
servers_of(const char *chatbot)
{
	List *names = NIL;
	uint64 n;

	if (chatbot != NULL)
		return rcs_chatbot_load(rcs_chatbot_resolve(chatbot))->servers;
	n = rcs_execute(&all_servers, NULL, NULL);
	for (uint64 i = 0; i < n; i++)
		names = lappend(names, rcs_column_text(i, 1, CurrentMemoryContext));
	return names;
}

static RcsStatement refuse = {"SELECT rcs._refuse($1, $2, $3, $4, $5)",
							  5,
							  {TEXTOID, TEXTOID, BOOLOID, TEXTOID, TEXTOID},
							  NULL};

/* The right to send is enough to record a refusal; taking one back needs a grant. */
static bool
write_down(FunctionCallInfo fcinfo, bool refused)
{
	Oid caller = GetUserId();
	Datum values[] = {(Datum) 0, (Datum) 0, BoolGetDatum(refused),
					  CStringGetTextDatum(GetUserNameFromId(caller, false)), (Datum) 0};
	char nulls[] = "     ";
	char *chatbot = PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1));
	RcsOwnerScope scope;
	List *servers;
	bool changed;
	bool isnull;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("phone must not be null")));
	values[0] = PG_GETARG_DATUM(0);
	values[1] = PG_GETARG_DATUM(1);
	values[4] = PG_GETARG_DATUM(2);
	nulls[1] = PG_ARGISNULL(1) ? 'n' : ' ';
	nulls[4] = PG_ARGISNULL(2) ? 'n' : ' ';

	rcs_owner_begin(&scope);
	SPI_connect();
	servers = servers_of(chatbot);
	if (refused && !has_privs_of_role(caller, rcs_ext_owner()))
		rcs_account_check_usage(caller, servers);
	rcs_execute(&refuse, values, nulls);
	changed = DatumGetBool(rcs_column(0, 1, &isnull));
	SPI_finish();
	rcs_owner_end(&scope);
	if (refused && changed)
		rcs_wakeup_refused();
	return changed;
}

Datum
rcs_optout(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(write_down(fcinfo, true));
}

Datum
rcs_optin(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(write_down(fcinfo, false));
}

static RcsStatement erase = {"SELECT rcs._erase($1)", 1, {TEXTOID}, NULL};

/* The workers look at their leases again, as after a refusal. */
Datum
rcs_erase(PG_FUNCTION_ARGS)
{
	RcsOwnerScope scope;
	Datum phone;
	int64 n;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("phone must not be null")));
	phone = PG_GETARG_DATUM(0);
	rcs_owner_begin(&scope);
	SPI_connect();
	rcs_execute(&erase, &phone, NULL);
	n = rcs_column_int64(0, 1);
	SPI_finish();
	rcs_owner_end(&scope);
	rcs_wakeup_refused();
	PG_RETURN_INT64(n);
}
