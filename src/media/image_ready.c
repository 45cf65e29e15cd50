/*
 * image_ready.c
 *		Images that messages name by an address, as they are made for an account.
 *
 * The uploader fetches and uploads, mostly in another process.  This file reads in
 * the tables whether an account has an image, and asks the uploader when it has
 * not.  It remembers the answer for each address and account for a while.  It must not
 * know a lease or an item.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/monotonic.h"
#include "media/image_ready.h"
#include "media/media_shared.h"
#include "media/media_store.h"
#include "message/media_url.h"

#define KNOWN_MAX 256
#define TRUST_READY (60 * SECOND)
#define TRUST_WAITING (SECOND / 10)
#define POLL_MS 250 /* rises with the time waited */
#define LONGEST_POLL_MS 2000
#define FAILURES_MAX 5
#define LATELY_MS 60000
#define NO_UPLOADER (15 * SECOND)

/* What the tables said of one address and one account. */
typedef struct Known
{
	char *url; /* NULL: not in use */
	const RcsAccount *account;
	int shared; /* of the account, at that time */
	int64 until_us;
	char file_id[RCS_MEDIA_ID_SIZE]; /* "": messages have to wait */
	int64 waits_since_us;
	int failures;
	TimestampTz tried_at;
	RcsImageWait wait;
} Known;

static Known known[KNOWN_MAX];
static int next_known = 0;

/* ---------- what is remembered ---------- */

static Known *
find_known(const char *url, const RcsAccount *a)
{
	for (int i = 0; i < KNOWN_MAX; i++)
	{
		Known *k = &known[i];

		if (k->url != NULL && k->account == a && k->shared == a->shared && strcmp(k->url, url) == 0)
			return k;
	}
	return NULL;
}

static Known *
add_known(const char *url, const RcsAccount *a)
{
	char *copy = MemoryContextStrdup(TopMemoryContext, url);
	Known *k = &known[next_known];

	next_known = (next_known + 1) % KNOWN_MAX;
	if (k->url != NULL)
		pfree(k->url);
	memset(k, 0, sizeof(*k));
	k->url = copy;
	k->account = a;
	k->shared = a->shared;
	return k;
}

/* ---------- what the tables say ---------- */

static void
set_reason(Known *k, const char *why)
{
	char reason[sizeof(k->wait.reason) * 2];
	int len;

	snprintf(reason, sizeof(reason), "waiting for an image%s%s", why == NULL ? "" : ": ",
			 why == NULL ? "" : why);
	len = pg_mbcliplen(reason, (int) strlen(reason), sizeof(k->wait.reason) - 1);
	memcpy(k->wait.reason, reason, len);
	k->wait.reason[len] = '\0';
}

static void
ready(Known *k, const RcsMediaUrlRow *row, int64 now_us, TimestampTz now)
{
	strlcpy(k->file_id, row->file_id, sizeof(k->file_id));
	k->until_us = now_us + Max(0, Min(TRUST_READY, row->good_until - now));
	k->waits_since_us = 0;
}

/* An old copy is good enough when the last look at the address failed, or when no uploader runs. */
static bool
good_enough(const RcsMediaUrlRow *row, int64 unseen_us)
{
	return row->file_id != NULL && (row->fresh || row->failures > 0 || unseen_us > NO_UPLOADER);
}

static void
must_wait(Known *k, const RcsMediaUrlRow *row, int64 unseen_us, int64 now_us, TimestampTz now)
{
	int64 waited_us;

	if (k->waits_since_us == 0)
		k->waits_since_us = now_us;
	waited_us = now_us - k->waits_since_us;
	k->file_id[0] = '\0';
	k->failures = row->failures;
	k->tried_at = row->tried_at;
	k->wait.delay_ms = Max(POLL_MS, Min(LONGEST_POLL_MS, waited_us / 4000));
	if (row->next_at > now)
		k->wait.delay_ms = Max(POLL_MS, (long) ((row->next_at - now) / 1000) + 1);
	set_reason(k, unseen_us > NO_UPLOADER ? "no worker for single messages runs, which uploads it"
										  : row->problem);
}

static void
look(Known *k, RcsAccount *a, const char *chatbot)
{
	int64 now_us = rcs_now_us();
	int64 unseen_us = 0;
	TimestampTz now = GetCurrentTimestamp();
	RcsMediaUrlRow row;

	(void) rcs_media_url_look(k->url, a->options, CurrentMemoryContext, &row);
	if ((!row.fresh || row.file_id == NULL || row.renew) && row.next_at <= now)
		unseen_us = rcs_media_want_url(k->url, chatbot);
	k->until_us = now_us + TRUST_WAITING;
	if (good_enough(&row, unseen_us))
		ready(k, &row, now_us, now);
	else
		must_wait(k, &row, unseen_us, now_us, now);
	if (!row.fresh)
		k->until_us = Min(k->until_us, now_us + SECOND);
}

/* ---------- for a message ---------- */

static bool
is_hopeless(const Known *k, TimestampTz since)
{
	TimestampTz lately = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), -LATELY_MS);

	return since != 0 && k->failures >= FAILURES_MAX && k->tried_at >= Max(since, lately);
}

bool
rcs_image_ready(JsonbContainer *message, RcsAccount *a, const char *chatbot, TimestampTz since,
				RcsImageWait *wait)
{
	bool all = true;
	ListCell *lc;

	foreach(lc, rcs_media_urls(message))
	{
		const char *url = lfirst(lc);
		Known *k = find_known(url, a);

		if (k == NULL)
			k = add_known(url, a);
		if (rcs_now_us() >= k->until_us && a->options != NULL)
			look(k, a, chatbot);
		if (k->file_id[0] != '\0')
			continue;
		all = false;
		*wait = k->wait;
		wait->hopeless = is_hopeless(k, since);
	}
	return all;
}

/* Looks in the tables if the address was forgotten after rcs_image_ready(), since too many are in use. */
static const char *
id_of(const char *url, void *arg)
{
	RcsAccount *a = arg;
	const Known *k = find_known(url, a);
	RcsMediaUrlRow row;

	if (k != NULL && k->file_id[0] != '\0')
		return psprintf(RCS_MEDIA_SCHEME "%s", k->file_id);
	if (a->options == NULL || !rcs_media_url_look(url, a->options, CurrentMemoryContext, &row) ||
		row.file_id == NULL)
		return NULL;
	return psprintf(RCS_MEDIA_SCHEME "%s", row.file_id);
}

JsonbContainer *
rcs_image_fill(JsonbContainer *message, RcsAccount *a)
{
	Jsonb *filled;

	if (rcs_media_urls(message) == NIL)
		return message;
	filled = rcs_media_replace(message, id_of, a);
	return filled == NULL ? NULL : &filled->root;
}
