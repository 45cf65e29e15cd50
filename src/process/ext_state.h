/*
 * ext_state.h
 *		The extension in this database: its id, its owner, its version.
 */
#ifndef RCS_EXT_STATE_H
#define RCS_EXT_STATE_H

typedef struct RcsExt
{
	Oid oid; /* InvalidOid: there is none */
	Oid owner;
	Oid schema;
	char *version;	 /* of its SQL */
	bool version_ok; /* its SQL is of the version that this library serves */
} RcsExt;

typedef enum RcsExtLock
{
	RCS_EXT_LOCKED,
	RCS_EXT_GONE,
	RCS_EXT_BUSY /* another transaction drops or alters it just now */
} RcsExtLock;

extern Oid rcs_ext_oid(void);
extern Oid rcs_ext_owner(void);
extern Oid rcs_ext_schema(void); /* InvalidOid: there is no extension */

/* The version of the extension, if this library does not serve it; else null. */
extern char *rcs_ext_other_version(void);

/* Looks up, locks until the end of the transaction without waiting, looks up again. */
extern RcsExtLock rcs_ext_try_lock(RcsExt *ext);

#endif /* RCS_EXT_STATE_H */
