/*
 * file_form.c
 *	  The carrier's file call: the form that is sent, and the answer about the file.
 *
 * Where the members of the answer stand is not documented, so they are looked
 * for in three places.  Must not know HTTP, accounts, or the use of the file.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "base/foreign_json.h"
#include "base/jsonb_members.h"
#include "kt/carrier_time.h"
#include "kt/file_form.h"

/* ---------- the form ---------- */

static bool
occurs(const char *bytes, size_t len, const char *text)
{
	size_t n = strlen(text);
	const char *at = bytes;
	const char *end = bytes + len;

	while ((size_t) (end - at) >= n && (at = memchr(at, text[0], end - at - n + 1)) != NULL)
	{
		if (memcmp(at, text, n) == 0)
			return true;
		at++;
	}
	return false;
}

static void
choose_boundary(const char *bytes, size_t len, char boundary[RCS_KT_BOUNDARY_SIZE])
{
	for (int n = 0;; n++)
	{
		snprintf(boundary, RCS_KT_BOUNDARY_SIZE, "----rcs-form-boundary-%d", n);
		if (!occurs(bytes, len, boundary))
			return;
	}
}

static void
add_field(StringInfo out, const char *boundary, const char *name, const char *value)
{
	appendStringInfo(out, "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n",
					 boundary, name, value);
}

void
rcs_kt_file_form(StringInfo out, const char *file_id, const char *type, const char *bytes,
				 size_t len, char boundary[RCS_KT_BOUNDARY_SIZE])
{
	const char *suffix = strchr(type, '/') + 1;

	choose_boundary(bytes, len, boundary);
	enlargeStringInfo(out, (int) len + 1024);
	add_field(out, boundary, "fileId", file_id);
	add_field(out, boundary, "usageType", "send");
	add_field(out, boundary, "usageService", "RCS");
	add_field(out, boundary, "mimeType", type);
	appendStringInfo(out,
					 "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s.%s\"\r\n"
					 "Content-Type: %s\r\n\r\n",
					 boundary, file_id, suffix, type);
	appendBinaryStringInfo(out, bytes, (int) len);
	appendStringInfo(out, "\r\n--%s--\r\n", boundary);
}

/* ---------- the answer ---------- */

/* data.fileInfo, else data, else the answer itself: whichever has a file's id. */
static JsonbContainer *
find_info(JsonbContainer *answer)
{
	JsonbContainer *data = rcs_member_object(answer, "data");
	JsonbContainer *info = data != NULL ? rcs_member_object(data, "fileInfo") : NULL;
	JsonbContainer *places[] = {info, data, answer};

	for (int i = 0; i < (int) lengthof(places); i++)
		if (places[i] != NULL && (rcs_member_present(places[i], "fileId") ||
								  rcs_member_present(places[i], "expiryDate")))
			return places[i];
	return NULL;
}

static void
read_info(JsonbContainer *info, RcsKtFile *file)
{
	char *status = rcs_member_text(info, "status");
	char *expires = rcs_member_text(info, "expiryDate");

	file->there = true;
	file->expired = status != NULL && strcmp(status, "expired") == 0;
	if (expires == NULL || !rcs_carrier_time_parse(expires, &file->expires_at))
		file->expires_at = 0;
}

void
rcs_kt_file_answer(const char *body, size_t len, RcsKtFile *file)
{
	MemoryContext cxt =
		AllocSetContextCreate(CurrentMemoryContext, "rcs file answer", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(cxt);
	JsonbContainer *answer = rcs_foreign_json(body, len);
	JsonbContainer *info = NULL;
	char *said;

	memset(file, 0, sizeof(*file));
	if (answer != NULL && !rcs_member_present(answer, "error"))
		info = find_info(answer);
	if (info != NULL)
	{
		/* the envelope's own status, unless there is no envelope */
		said = info == answer ? NULL : rcs_member_text(answer, "status");
		if (said == NULL || strcmp(said, "200") == 0)
			read_info(info, file);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(cxt);
}
