/*
 * image_file.h
 *	  Which bytes are an image that the carrier takes, and its id there.
 *
 * Pure, but for the digest, which needs a transaction.
 */
#ifndef RCS_IMAGE_FILE_H
#define RCS_IMAGE_FILE_H

#define RCS_MEDIA_MAX (1024 * 1024)
#define RCS_MEDIA_DIGEST 32
#define RCS_MEDIA_ID_SIZE 65

/* NULL and *type, the MIME type; or a problem in words, without a capital and a final period */
extern const char *rcs_media_problem(const char *bytes, size_t len, const char **type);

/* True when a MIME type that a user gave means this one. */
extern bool rcs_media_is_type(const char *given, const char *type);

extern void rcs_media_digest(const char *bytes, size_t len, uint8 digest[RCS_MEDIA_DIGEST]);

/*
 * The same content has the same id on every account.  An id whose file has
 * expired may not be free again, so a later upload is another generation.
 */
extern void rcs_media_file_id(const uint8 digest[RCS_MEDIA_DIGEST], int generation,
							  char id[RCS_MEDIA_ID_SIZE]);

#endif /* RCS_IMAGE_FILE_H */
