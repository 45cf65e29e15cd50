/*
 * launcher_db.h
 *		The databases of the server, as the launcher knows them.
 */
#ifndef RCS_LAUNCHER_DB_H
#define RCS_LAUNCHER_DB_H

#include "datatype/timestamp.h"
#include "utils/hsearch.h"

typedef enum RcsDbState
{
	RCS_DB_UNKNOWN, /* to be probed */
	RCS_DB_PRESENT, /* has the extension */
	RCS_DB_ABSENT	/* has it not, or not of our version */
} RcsDbState;

typedef struct RcsDb
{
	Oid dboid; /* hash key */
	char name[NAMEDATALEN];
	bool listed; /* stood in pg_database when that was last read */
	bool usable; /* no template, connections allowed */
	bool was_usable;
	RcsDbState state;
	bool probe_wanted; /* asked for since the last start in it */
	int failures;	   /* in a row, each soon after a start */
	TimestampTz next_start;
} RcsDb;

extern void rcs_dbs_init(void);
extern void rcs_dbs_read(void);
extern void rcs_dbs_take_requests(void);
extern void rcs_dbs_forget_dropped(void);
extern void rcs_dbs_scan(HASH_SEQ_STATUS *seq); /* then hash_seq_search() */
extern RcsDb *rcs_db_find(Oid dboid);			/* NULL: unknown */
extern void rcs_dbs_end_rests(void);
extern void rcs_db_back_off(RcsDb *db, TimestampTz now, bool long_run);

#endif /* RCS_LAUNCHER_DB_H */
