/*
 * media_store.h
 *		The tables of images: which account has a copy, which image an address gave.
 *
 * Called as the owner, with SPI connected, in a transaction.
 */
#ifndef RCS_MEDIA_STORE_H
#define RCS_MEDIA_STORE_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#include "account/account.h"
#include "media/image_file.h"

/* Accounts that are to have one content, under one id. */
typedef struct RcsMediaNeed
{
	int generation;
	char file_id[RCS_MEDIA_ID_SIZE];
	List *missing; /* of RcsServerOptions: those to upload to */
} RcsMediaNeed;

/* "latest": as of now, and not as of the snapshot of this transaction. */
extern void rcs_media_need(const uint8 digest[RCS_MEDIA_DIGEST], List *accounts, bool latest,
						   MemoryContext cxt, RcsMediaNeed *need);

typedef struct RcsMediaCopy
{
	const char *server;
	int64 account;
	const uint8 *digest;
	int generation;
	const char *file_id;
	const char *type;
	int size;
	TimestampTz expires_at; /* 0: as long as the carrier keeps files */
} RcsMediaCopy;

extern void rcs_media_add_copy(const RcsMediaCopy *copy);

/* One row of rcs.media_url. */
typedef struct RcsMediaUrlRow
{
	char *server; /* the data service that was asked */
	bool known;	  /* it has given an image at least once */
	bool fresh;	  /* ... lately enough */
	uint8 digest[RCS_MEDIA_DIGEST];
	int failures; /* one after another, up to now */
	char *problem;
	TimestampTz tried_at;
	TimestampTz next_at; /* not to be tried before; 0: any time */
	/* as of one account */
	char *file_id;			/* NULL: it has no copy that can be used */
	bool renew;				/* ... that expires soon */
	TimestampTz good_until; /* until then neither copy nor address need a look */
} RcsMediaUrlRow;

/* False when the address was never looked at.  "account" may be NULL. */
extern bool rcs_media_url_look(const char *url, const RcsServerOptions *account, MemoryContext cxt,
							   RcsMediaUrlRow *row);

typedef struct RcsMediaFound
{
	const char *url;
	const char *server;
	const uint8 *digest;
	const char *type;
	int size;
	int64 ttl_us;
} RcsMediaFound;

extern void rcs_media_url_found(const RcsMediaFound *found);
extern void rcs_media_url_failed(const char *url, const char *server, const char *problem,
								 int failures, int64 pause_us);

#endif /* RCS_MEDIA_STORE_H */
