/*
 * contents.c
 *		Notices rows that were loaded from a dump, or that a subscription brings.
 *
 * Another server has sent these messages, or will.  The rows of a subscription
 * commit after it is listed in pg_subscription_rel, so whoever asks after he has
 * read messages misses none.  This file must not know how a hold stops anything.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/statement.h"
#include "hold/contents.h"

/*
 * Asked at each lease, so it calls no function where there is no subscription: one in SQL is
 * planned at each call.  A tool that copies all tables brings the identity of the other
 * server beside its origin.  The oldest single message has the lowest batch_id.
 */
static RcsStatement look = {
	"SELECT CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_subscription_rel) THEN rcs._filled_by() END,"
	"  EXISTS (SELECT FROM rcs._origin o WHERE o.origin <> (SELECT i.origin FROM rcs.identity i"
	"   ORDER BY i.system_id = $2 AND i.dboid = $3 DESC, i.last_alive DESC LIMIT 1))"
	"  OR $1 > '-infinity' AND (EXISTS (SELECT FROM rcs.campaign c WHERE c.created_at < $1)"
	"   OR coalesce((SELECT m.created_at FROM rcs.message m WHERE m.campaign_no = 0"
	"    ORDER BY m.batch_id LIMIT 1) < $1, false))",
	3,
	{TIMESTAMPTZOID, TEXTOID, OIDOID},
	NULL};

char *
rcs_contents_foreign(TimestampTz installed_at, bool *filled)
{
	Datum values[] = {TimestampTzGetDatum(installed_at),
					  CStringGetTextDatum(psprintf(UINT64_FORMAT, GetSystemIdentifier())),
					  ObjectIdGetDatum(MyDatabaseId)};
	char *subscription;
	bool isnull;

	rcs_execute(&look, values, NULL);
	subscription = rcs_column_text(0, 1, CurrentMemoryContext);
	*filled = subscription != NULL;
	if (*filled)
		return psprintf(
			"its tables are filled by subscription \"%s\", so another server sends these messages",
			subscription);
	if (DatumGetBool(rcs_column(0, 2, &isnull)))
		return pstrdup(
			"there are messages that are older than the extension in this database, so they were loaded from a dump");
	return NULL;
}
