/*
 * ext_state.h
 *		Is the extension in this database, which, whose, and of what version?
 */
#ifndef RCS_EXT_STATE_H
#define RCS_EXT_STATE_H

typedef struct RcsExt
{
	Oid oid; /* InvalidOid: there is none */
	Oid owner;
	bool version_ok; /* its SQL is of the version that this library serves */
} RcsExt;

typedef enum RcsExtLock
{
	RCS_EXT_LOCKED,
	RCS_EXT_GONE,
	RCS_EXT_BUSY /* somebody drops or alters it just now */
} RcsExtLock;

extern Oid rcs_ext_oid(void);
extern Oid rcs_ext_owner(void);
extern bool rcs_ext_version_ok(void);

/* look up, lock until the end of the transaction, look up again */
extern bool rcs_ext_lock(void);

/* the same without waiting */
extern RcsExtLock rcs_ext_try_lock(RcsExt *ext);

#endif /* RCS_EXT_STATE_H */
