/*
 * handle.c
 *		Handles: names of messages for those who see masked numbers.
 *
 * The id of a campaign's message is made of its number, so beside a masked number
 * it gives the number away.  A handle is the place of the message in rcs.message,
 * encrypted: only who has the key can make one or read one.  The same place gives
 * the same handle, and to find a message by it takes no search.
 *
 * In front stands a tag, a keyed hash of the place; the place follows, under a mask
 * that is a keyed hash of the tag.  The key has a fixed length and comes first, and
 * the two kinds of input differ in length, so plain SHA-256 serves for both.
 *
 * The functions are pure.  This file must not know who may see what.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "fmgr.h"
#include "funcapi.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"

#include "base/pg_compat.h"

#define TAG_LEN 8
#define HANDLE_LEN (TAG_LEN + (int) sizeof(Place))
#define HANDLE_TEXT_LEN (2 * HANDLE_LEN)

/* Where a message is, in network order. */
typedef struct Place
{
	uint32 campaign_no[2];
	uint32 batch_id[2];
	uint32 ord;
} Place;

/* ---------- keyed hashes ---------- */

static void
keyed_hash(const bytea *key, const void *data, size_t len, uint8 *digest)
{
	pg_cryptohash_ctx *ctx = pg_cryptohash_create(PG_SHA256);

	if (ctx == NULL || pg_cryptohash_init(ctx) < 0 ||
		pg_cryptohash_update(ctx, (const uint8 *) VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key)) < 0 ||
		pg_cryptohash_update(ctx, data, len) < 0 ||
		pg_cryptohash_final(ctx, digest, PG_SHA256_DIGEST_LENGTH) < 0)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not compute a hash")));
	pg_cryptohash_free(ctx);
}

static void
make_tag(const bytea *key, const Place *place, uint8 *tag)
{
	uint8 digest[PG_SHA256_DIGEST_LENGTH];

	keyed_hash(key, place, sizeof(Place), digest);
	memcpy(tag, digest, TAG_LEN);
}

/* Puts the mask on or takes it off. */
static void
mask(const bytea *key, const uint8 *tag, uint8 *place)
{
	uint8 digest[PG_SHA256_DIGEST_LENGTH];

	keyed_hash(key, tag, TAG_LEN, digest);
	for (int i = 0; i < (int) sizeof(Place); i++)
		place[i] ^= digest[i];
}

/* ---------- places ---------- */

static void
put_int64(uint32 *to, int64 n)
{
	to[0] = pg_hton32((uint32) ((uint64) n >> 32));
	to[1] = pg_hton32((uint32) n);
}

static int64
take_int64(const uint32 *from)
{
	return (int64) ((uint64) pg_ntoh32(from[0]) << 32 | pg_ntoh32(from[1]));
}

/* False for a text that cannot be a handle. */
static bool
take_handle(const text *t, uint8 *handle)
{
	const char *s = VARDATA_ANY(t);

	if (VARSIZE_ANY_EXHDR(t) != HANDLE_TEXT_LEN)
		return false;
	for (int i = 0; i < HANDLE_TEXT_LEN; i++)
		if (!isxdigit((unsigned char) s[i]))
			return false;
	hex_decode(s, HANDLE_TEXT_LEN, (char *) handle);
	return true;
}

/* ---------- functions ---------- */

PG_FUNCTION_INFO_V1(rcs_handle);
Datum
rcs_handle(PG_FUNCTION_ARGS)
{
	bytea *key = PG_GETARG_BYTEA_PP(0);
	text *result = palloc(VARHDRSZ + HANDLE_TEXT_LEN);
	uint8 handle[HANDLE_LEN];
	Place place;

	put_int64(place.campaign_no, PG_GETARG_INT64(1));
	put_int64(place.batch_id, PG_GETARG_INT64(2));
	place.ord = pg_hton32((uint32) PG_GETARG_INT32(3));
	make_tag(key, &place, handle);
	memcpy(handle + TAG_LEN, &place, sizeof(Place));
	mask(key, handle, handle + TAG_LEN);
	hex_encode((char *) handle, HANDLE_LEN, VARDATA(result));
	SET_VARSIZE(result, VARHDRSZ + HANDLE_TEXT_LEN);
	PG_RETURN_TEXT_P(result);
}

/* The place of a handle that was made with this key; else null. */
PG_FUNCTION_INFO_V1(rcs_handle_place);
Datum
rcs_handle_place(PG_FUNCTION_ARGS)
{
	bytea *key = PG_GETARG_BYTEA_PP(0);
	uint8 handle[HANDLE_LEN];
	uint8 tag[TAG_LEN];
	Place place;
	TupleDesc desc;
	Datum values[3];
	bool nulls[3] = {false};

	if (!take_handle(PG_GETARG_TEXT_PP(1), handle))
		PG_RETURN_NULL();
	mask(key, handle, handle + TAG_LEN);
	memcpy(&place, handle + TAG_LEN, sizeof(Place));
	make_tag(key, &place, tag);
	if (memcmp(tag, handle, TAG_LEN) != 0)
		PG_RETURN_NULL();
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("a place is a row")));
	values[0] = Int64GetDatum(take_int64(place.campaign_no));
	values[1] = Int64GetDatum(take_int64(place.batch_id));
	values[2] = Int32GetDatum((int32) pg_ntoh32(place.ord));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
