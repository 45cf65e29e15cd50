/*
 * health.c
 *		Facts for rcs_health() that SQL cannot see: the library and room on disk.
 *
 * The schema judges them; this file must not.
 */
#include "postgres.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include "access/htup_details.h"
#include "common/relpath.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "process/guc.h"
#include "process/shmem.h"

#define LIBRARY_COLUMNS 5
#define DISK_COLUMNS 3
#define PLACES 3

PG_FUNCTION_INFO_V1(rcs_library);
PG_FUNCTION_INFO_V1(rcs_disk);

/* rcs._library(): called before any setting is read, since the call loads the library. */
Datum
rcs_library(PG_FUNCTION_ARGS)
{
	TupleDesc tupdesc;
	Datum values[LIBRARY_COLUMNS];
	bool nulls[LIBRARY_COLUMNS] = {false};

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = CStringGetTextDatum(RCS_VERSION);
	values[1] = BoolGetDatum(rcs_preloaded());
	values[2] = Int32GetDatum(rcs_single_workers);
	values[3] = Int32GetDatum(rcs_campaign_workers);
	values[4] = ObjectIdGetDatum(MyDatabaseId);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls)));
}

/* ---------- room on disk ---------- */

typedef struct Place
{
	const char *name;
	dev_t device;
	int64 free;
	int64 total;
} Place;

typedef struct Places
{
	int n;
	int next;
	Place place[PLACES];
} Places;

/* Two places on one file system are full together, so it is listed once. */
static void
add_place(Places *places, const char *name, const char *path)
{
	Place *p = &places->place[places->n];
	struct stat st;
	struct statvfs fs;

	if (stat(path, &st) != 0 || statvfs(path, &fs) != 0)
		ereport(ERROR, (errcode_for_file_access(),
						errmsg("could not look at file system of \"%s\": %m", path)));
	for (int i = 0; i < places->n; i++)
		if (places->place[i].device == st.st_dev)
			return;
	p->name = name;
	p->device = st.st_dev;
	p->free = (int64) fs.f_bavail * (int64) fs.f_frsize;
	p->total = (int64) fs.f_blocks * (int64) fs.f_frsize;
	places->n++;
}

static Places *
look_at_places(void)
{
	Places *places = palloc0(sizeof(Places));

	add_place(places, "data directory", DataDir);
	add_place(places, "pg_wal", "pg_wal");
	add_place(places, "tablespace of the database",
			  GetDatabasePath(MyDatabaseId, MyDatabaseTableSpace));
	return places;
}

/* rcs._disk(): one row per file system that this database writes to. */
Datum
rcs_disk(PG_FUNCTION_ARGS)
{
	FuncCallContext *ctx;
	Places *places;
	Place *p;
	Datum values[DISK_COLUMNS];
	bool nulls[DISK_COLUMNS] = {false};

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;
		TupleDesc desc;

		ctx = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(ctx->multi_call_memory_ctx);
		if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "return type must be a row type");
		ctx->tuple_desc = BlessTupleDesc(desc);
		ctx->user_fctx = look_at_places();
		MemoryContextSwitchTo(old);
	}
	ctx = SRF_PERCALL_SETUP();
	places = ctx->user_fctx;
	if (places->next == places->n)
		SRF_RETURN_DONE(ctx);
	p = &places->place[places->next++];
	values[0] = CStringGetTextDatum(p->name);
	values[1] = Int64GetDatum(p->free);
	values[2] = Int64GetDatum(p->total);
	SRF_RETURN_NEXT(ctx, HeapTupleGetDatum(heap_form_tuple(ctx->tuple_desc, values, nulls)));
}
