/*
 * media_shared.c
 *		Requests for images, in a table of shared memory.
 *
 * A place belongs to the backend that asked until that detaches its segment; a
 * transaction that fails or is canceled detaches it too.  The number of a request
 * tells the uploader whether the place is still that of the request it took.
 * RCS_LOCK_MEDIA guards everything.
 *
 * This file must not know how an image is uploaded, and no table.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/proc.h"

#include "base/monotonic.h"
#include "media/media_shared.h"
#include "process/shmem.h"
#include "process/slots.h"

#define STALE_US INT64CONST(60000000) /* then an address is forgotten */

typedef enum Phase
{
	PLACE_FREE,
	PLACE_ASKED,
	PLACE_TAKEN,
	PLACE_ANSWERED /* not for addresses */
} Phase;

typedef struct Place
{
	Phase phase;
	uint32 number; /* rises with each request */
	Oid dboid;
	PGPROC *waiter; /* NULL: an address */
	int64 asked_us; /* an address: the last time */
	int64 seen_us;	/* by the uploader, or when it was asked */
	dsm_handle handle;
	uint8 digest[RCS_MEDIA_DIGEST];
	char chatbot[NAMEDATALEN];
	char url[RCS_MEDIA_URL_MAX + 1];
	RcsMediaAnswer answer;
} Place;

typedef struct Shared
{
	pg_atomic_uint32 used; /* places that are not free */
	Place places[RCS_MEDIA_PLACES];
} Shared;

static Shared *shared = NULL;

/* in a backend: the request it waits for */
static Place *my_place = NULL;
static uint32 my_number = 0;

static void
shared_init(void)
{
	pg_atomic_init_u32(&shared->used, 0);
}

void
rcs_media_shared_init(void)
{
	rcs_shmem_register((void **) &shared, sizeof(Shared), shared_init, "rcs media");
}

static void
lock(void)
{
	LWLockAcquire(rcs_shmem_lock(RCS_LOCK_MEDIA), LW_EXCLUSIVE);
}

static void
unlock(void)
{
	LWLockRelease(rcs_shmem_lock(RCS_LOCK_MEDIA));
}

static void
free_place(Place *p)
{
	Assert(LWLockHeldByMe(rcs_shmem_lock(RCS_LOCK_MEDIA)));
	p->phase = PLACE_FREE;
	p->waiter = NULL;
	pg_atomic_fetch_sub_u32(&shared->used, 1);
}

/*
 * NULL when all places are in use.  An address that was neither asked for nor seen
 * for a while is of a database whose workers are gone, so its place is free.
 */
static Place *
take_place(int64 now_us)
{
	Place *p = NULL;

	for (int i = 0; i < RCS_MEDIA_PLACES && p == NULL; i++)
	{
		Place *old = &shared->places[i];

		if (old->phase != PLACE_FREE && old->waiter == NULL && now_us - old->asked_us > STALE_US &&
			now_us - old->seen_us > STALE_US)
			free_place(old);
		if (old->phase == PLACE_FREE)
			p = old;
	}
	if (p == NULL)
		return NULL;
	pg_atomic_fetch_add_u32(&shared->used, 1);
	p->phase = PLACE_ASKED;
	p->number++;
	p->dboid = MyDatabaseId;
	p->asked_us = p->seen_us = now_us;
	return p;
}

/* ---------- a backend ---------- */

/* Called whenever the segment is detached: at the end, on an error, at exit. */
static void
leave(dsm_segment *segment, Datum arg)
{
	if (my_place == NULL)
		return;
	lock();
	if (my_place->number == my_number && my_place->phase != PLACE_FREE)
		free_place(my_place);
	unlock();
	my_place = NULL;
}

bool
rcs_media_ask(dsm_segment *segment, const char *chatbot, const uint8 digest[RCS_MEDIA_DIGEST])
{
	Place *p;

	Assert(my_place == NULL);
	on_dsm_detach(segment, leave, (Datum) 0);
	lock();
	p = take_place(rcs_now_us());
	if (p != NULL)
	{
		p->waiter = MyProc;
		p->handle = dsm_segment_handle(segment);
		memcpy(p->digest, digest, RCS_MEDIA_DIGEST);
		strlcpy(p->chatbot, chatbot, sizeof(p->chatbot));
		my_place = p;
		my_number = p->number;
	}
	unlock();
	if (p == NULL)
	{
		cancel_on_dsm_detach(segment, leave, (Datum) 0);
		return false;
	}
	rcs_slots_wake(MyDatabaseId, RCS_WORKER_SINGLE);
	return true;
}

bool
rcs_media_answered(RcsMediaAnswer *answer, int64 *silent_us)
{
	bool there;

	lock();
	there = my_place->phase == PLACE_ANSWERED;
	if (there)
		*answer = my_place->answer;
	*silent_us = rcs_now_us() - my_place->seen_us;
	unlock();
	return there;
}

/* ---------- any worker ---------- */

static Place *
find_url(const char *url, const char *chatbot)
{
	for (int i = 0; i < RCS_MEDIA_PLACES; i++)
	{
		Place *p = &shared->places[i];

		if (p->phase != PLACE_FREE && p->waiter == NULL && p->dboid == MyDatabaseId &&
			strcmp(p->url, url) == 0 && strcmp(p->chatbot, chatbot) == 0)
			return p;
	}
	return NULL;
}

/* If no place is free, nothing happens: a message that waits asks again and again. */
int64
rcs_media_want_url(const char *url, const char *chatbot)
{
	int64 now_us = rcs_now_us();
	int64 unseen_us = 0;
	Place *p;
	bool fresh = false;

	lock();
	p = find_url(url, chatbot);
	if (p == NULL && (p = take_place(now_us)) != NULL)
	{
		fresh = true;
		strlcpy(p->url, url, sizeof(p->url));
		strlcpy(p->chatbot, chatbot, sizeof(p->chatbot));
	}
	if (p != NULL)
	{
		p->asked_us = now_us;
		unseen_us = now_us - p->seen_us;
	}
	unlock();
	if (fresh)
		rcs_slots_wake(MyDatabaseId, RCS_WORKER_SINGLE);
	return unseen_us;
}

/* ---------- the uploader ---------- */

/* Requests that a former uploader had taken are open again. */
void
rcs_media_uploader_begins(void)
{
	lock();
	for (int i = 0; i < RCS_MEDIA_PLACES; i++)
	{
		Place *p = &shared->places[i];

		if (p->phase == PLACE_TAKEN && p->dboid == MyDatabaseId)
			p->phase = PLACE_ASKED;
	}
	unlock();
}

void
rcs_media_uploader_lives(void)
{
	int64 now_us = rcs_now_us();

	if (pg_atomic_read_u32(&shared->used) == 0)
		return;
	lock();
	for (int i = 0; i < RCS_MEDIA_PLACES; i++)
	{
		Place *p = &shared->places[i];

		if (p->phase != PLACE_FREE && p->dboid == MyDatabaseId)
			p->seen_us = now_us;
	}
	unlock();
}

bool
rcs_media_take(RcsMediaTask *task)
{
	bool found = false;

	if (pg_atomic_read_u32(&shared->used) == 0)
		return false;
	lock();
	for (int i = 0; i < RCS_MEDIA_PLACES && !found; i++)
	{
		Place *p = &shared->places[i];

		if (p->phase != PLACE_ASKED || p->dboid != MyDatabaseId)
			continue;
		p->phase = PLACE_TAKEN;
		task->place = i;
		task->number = p->number;
		task->is_url = p->waiter == NULL;
		task->handle = p->handle;
		memcpy(task->digest, p->digest, RCS_MEDIA_DIGEST);
		strlcpy(task->chatbot, p->chatbot, sizeof(task->chatbot));
		strlcpy(task->url, task->is_url ? p->url : "", sizeof(task->url));
		found = true;
	}
	unlock();
	return found;
}

bool
rcs_media_still_wanted(int place, uint32 number)
{
	Place *p = &shared->places[place];
	bool wanted;

	lock();
	wanted = p->phase == PLACE_TAKEN && p->number == number;
	unlock();
	return wanted;
}

/* An address gets no answer: its place is free again. */
void
rcs_media_answer(int place, uint32 number, const RcsMediaAnswer *answer)
{
	Place *p = &shared->places[place];

	lock();
	if (p->phase == PLACE_TAKEN && p->number == number)
	{
		if (p->waiter == NULL)
			free_place(p);
		else
		{
			p->answer = *answer;
			p->phase = PLACE_ANSWERED;
			SetLatch(&p->waiter->procLatch);
		}
	}
	unlock();
}
