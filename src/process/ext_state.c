/*
 * ext_state.c
 *		The row of pg_extension, and the lock that keeps it.
 *
 * There is no system cache for pg_extension; a look-up is one index scan.  This
 * file must not know the objects of the extension.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_extension.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/rel.h"

#include "process/ext_state.h"

#define EXTENSION_NAME "rcs"

/* Patch releases share their SQL: "1.2.3" serves "1.2.9". */
static bool
same_minor(const char *a, const char *b)
{
	int dots = 0;

	for (; *a == *b && *a != '\0'; a++, b++)
	{
		if (*a == '.' && ++dots == 2)
			return true;
	}
	return *a == *b;
}

/* Never null in the catalog, but declared so. */
static char *
version_of(Relation rel, HeapTuple tuple)
{
	bool isnull;
	Datum version =
		heap_getattr(tuple, Anum_pg_extension_extversion, RelationGetDescr(rel), &isnull);

	return isnull ? pstrdup("") : TextDatumGetCString(version);
}

static RcsExt
look_up(void)
{
	RcsExt row = {InvalidOid, InvalidOid, InvalidOid, NULL, false};
	Relation rel = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum(EXTENSION_NAME));
	scan = systable_beginscan(rel, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		Form_pg_extension form = (Form_pg_extension) GETSTRUCT(tuple);

		row.oid = form->oid;
		row.owner = form->extowner;
		row.schema = form->extnamespace;
		row.version = version_of(rel, tuple);
		row.version_ok = same_minor(row.version, RCS_VERSION);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return row;
}

Oid
rcs_ext_oid(void)
{
	return look_up().oid;
}

Oid
rcs_ext_schema(void)
{
	return look_up().schema;
}

Oid
rcs_ext_owner(void)
{
	Oid owner = look_up().owner;

	if (!OidIsValid(owner))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("extension \"%s\" is not in this database", EXTENSION_NAME),
						errhint("Run CREATE EXTENSION %s.", EXTENSION_NAME)));
	return owner;
}

char *
rcs_ext_other_version(void)
{
	RcsExt row = look_up();

	return OidIsValid(row.oid) && !row.version_ok ? row.version : NULL;
}

/*
 * DROP EXTENSION holds its lock until its transaction ends, which may take long.  A
 * worker does not wait for it, because it has other work meanwhile.
 */
RcsExtLock
rcs_ext_try_lock(RcsExt *ext)
{
	Oid oid = rcs_ext_oid();
	LOCKTAG tag;

	if (!OidIsValid(oid))
		return RCS_EXT_GONE;
	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, ExtensionRelationId, oid, 0);
	if (LockAcquire(&tag, AccessShareLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return RCS_EXT_BUSY;
	AcceptInvalidationMessages();
	*ext = look_up();
	return ext->oid == oid ? RCS_EXT_LOCKED : RCS_EXT_GONE;
}
