/*
 * launcher_db.c
 *		The databases of the server, as the launcher knows them.
 *
 * This file must not know how a worker is started or stopped.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "process/launcher_db.h"
#include "process/slots.h"

#define FIRST_BACKOFF_MS 5000
#define LONGEST_BACKOFF_MS 300000

#define DATABASE_IS_INVALID (-2) /* datconnlimit after an interrupted DROP DATABASE */

static HTAB *databases = NULL;

void
rcs_dbs_init(void)
{
	HASHCTL ctl;

	memset(&ctl, 0, sizeof(ctl));
	ctl.keysize = sizeof(Oid);
	ctl.entrysize = sizeof(RcsDb);
	databases = hash_create("rcs databases", 64, &ctl, HASH_ELEM | HASH_BLOBS);
}

RcsDb *
rcs_db_find(Oid dboid)
{
	return hash_search(databases, &dboid, HASH_FIND, NULL);
}

void
rcs_dbs_scan(HASH_SEQ_STATUS *seq)
{
	hash_seq_init(seq, databases);
}

static void
note_database(Form_pg_database form)
{
	bool found;
	Oid dboid = form->oid;
	RcsDb *db = hash_search(databases, &dboid, HASH_ENTER, &found);

	if (!found)
	{
		memset(db, 0, sizeof(RcsDb));
		db->dboid = dboid;
	}
	strlcpy(db->name, NameStr(form->datname), NAMEDATALEN);
	db->listed = true;
	db->usable =
		form->datallowconn && !form->datistemplate && form->datconnlimit != DATABASE_IS_INVALID;
	/* it may have been found absent while it was a template */
	if (db->usable && !db->was_usable && db->state == RCS_DB_ABSENT)
		db->state = RCS_DB_UNKNOWN;
}

void
rcs_dbs_read(void)
{
	HASH_SEQ_STATUS seq;
	RcsDb *db;
	Relation rel;
	TableScanDesc scan;
	HeapTuple tuple;

	rcs_dbs_scan(&seq);
	while ((db = hash_seq_search(&seq)) != NULL)
	{
		db->was_usable = db->usable;
		db->listed = db->usable = false;
	}

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	rel = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(rel, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
		note_database((Form_pg_database) GETSTRUCT(tuple));
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	CommitTransactionCommand();
}

/* Removing the element that the scan has just returned is allowed. */
void
rcs_dbs_forget_dropped(void)
{
	HASH_SEQ_STATUS seq;
	RcsDb *db;

	rcs_dbs_scan(&seq);
	while ((db = hash_seq_search(&seq)) != NULL)
	{
		if (!db->listed)
			(void) hash_search(databases, &db->dboid, HASH_REMOVE, NULL);
	}
}

static void
want_probe(RcsDb *db)
{
	db->probe_wanted = true;
	db->failures = 0;
	db->next_start = 0;
	if (db->state == RCS_DB_ABSENT)
		db->state = RCS_DB_UNKNOWN;
}

void
rcs_dbs_take_requests(void)
{
	RcsProbes probes;
	HASH_SEQ_STATUS seq;
	RcsDb *db;

	rcs_slots_take_probes(&probes);
	for (int i = 0; i < probes.n; i++)
	{
		if ((db = rcs_db_find(probes.dboid[i])) != NULL)
			want_probe(db);
	}
	if (!probes.all)
		return;
	rcs_dbs_scan(&seq);
	while ((db = hash_seq_search(&seq)) != NULL)
		want_probe(db);
}

/* The first error costs no time; each further one soon after a start doubles the pause. */
void
rcs_db_back_off(RcsDb *db, TimestampTz now, bool long_run)
{
	int64 delay = 0;

	if (long_run)
		db->failures = 0;
	if (db->failures > 0)
		delay = Min((int64) FIRST_BACKOFF_MS << Min(db->failures - 1, 16), LONGEST_BACKOFF_MS);
	db->failures++;
	db->next_start = TimestampTzPlusMilliseconds(now, delay);
}

void
rcs_dbs_end_rests(void)
{
	HASH_SEQ_STATUS seq;
	RcsDb *db;

	rcs_dbs_scan(&seq);
	while ((db = hash_seq_search(&seq)) != NULL)
		db->next_start = 0;
}
