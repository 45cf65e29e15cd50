/*
 * image_file.c
 *	  Which bytes are an image that the carrier takes, and its id there.
 *
 * The first bytes tell the type; a given type is not trusted.  This file must not
 * know where the bytes come from or go to.
 */
#include "postgres.h"

#include "common/cryptohash.h"
#include "common/sha2.h"

#include "media/image_file.h"

#define ID_BYTES 20 /* of the digest: 40 digits, far from any collision */

StaticAssertDecl(RCS_MEDIA_DIGEST == PG_SHA256_DIGEST_LENGTH, "the digest is SHA-256");

static const struct
{
	const char *type;
	const char *begin;
	size_t len;
} types[] = {{"image/jpeg", "\xFF\xD8\xFF", 3}, {"image/png", "\x89PNG\r\n\x1A\n", 8}};

const char *
rcs_media_problem(const char *bytes, size_t len, const char **type)
{
	if (len == 0)
		return "the image is empty";
	if (len > RCS_MEDIA_MAX)
		return "the image is larger than 1 MB";
	for (int i = 0; i < (int) lengthof(types); i++)
	{
		if (len < types[i].len || memcmp(bytes, types[i].begin, types[i].len) != 0)
			continue;
		*type = types[i].type;
		return NULL;
	}
	return "the content is neither a JPEG nor a PNG image";
}

bool
rcs_media_is_type(const char *given, const char *type)
{
	return pg_strcasecmp(given, type) == 0 ||
		   (pg_strcasecmp(given, "image/jpg") == 0 && strcmp(type, "image/jpeg") == 0);
}

void
rcs_media_digest(const char *bytes, size_t len, uint8 digest[RCS_MEDIA_DIGEST])
{
	pg_cryptohash_ctx *ctx = pg_cryptohash_create(PG_SHA256);

	if (ctx == NULL || pg_cryptohash_init(ctx) < 0 ||
		pg_cryptohash_update(ctx, (const uint8 *) bytes, len) < 0 ||
		pg_cryptohash_final(ctx, digest, RCS_MEDIA_DIGEST) < 0)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not compute the SHA-256 digest of an image")));
	pg_cryptohash_free(ctx);
}

void
rcs_media_file_id(const uint8 digest[RCS_MEDIA_DIGEST], int generation, char id[RCS_MEDIA_ID_SIZE])
{
	int n = snprintf(id, RCS_MEDIA_ID_SIZE, "rcs.");

	for (int i = 0; i < ID_BYTES; i++)
		n += snprintf(id + n, RCS_MEDIA_ID_SIZE - n, "%02x", digest[i]);
	if (generation > 0)
		snprintf(id + n, RCS_MEDIA_ID_SIZE - n, ".%d", generation);
}
