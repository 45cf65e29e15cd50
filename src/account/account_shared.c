/*
 * account_shared.c
 *		The table of carrier accounts in shared memory, and the key of an account.
 *
 * An account is a url and an rcs_id.  Servers of any name, in any database, stand for
 * the same account when these two are equal.
 *
 * Locking: entries are added under the lock RCS_LOCK_ACCOUNTS and are never
 * removed; the members of an entry are guarded by its spinlock, around
 * assignments only.  This file must not know what the members mean.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "storage/lwlock.h"

#include "account/account_shared.h"
#include "process/shmem.h"

RcsAccountEntry *rcs_account_entries = NULL;

static void
state_init(void)
{
	for (int i = 0; i < RCS_MAX_ACCOUNTS; i++)
		SpinLockInit(&rcs_account_entries[i].mutex);
}

void
rcs_account_shared_init(void)
{
	rcs_shmem_register((void **) &rcs_account_entries, sizeof(RcsAccountEntry) * RCS_MAX_ACCOUNTS,
					   state_init, "rcs accounts");
}

/* Stored in rcs.media.account, so a dump carries it: it must stay the same bit for bit. */
int64
rcs_account_key(const char *url, const char *rcs_id)
{
	const char *id = rcs_id != NULL ? rcs_id : "";
	uint64 a = hash_bytes_extended((const unsigned char *) url, (int) strlen(url), 0);

	return (int64) hash_bytes_extended((const unsigned char *) id, (int) strlen(id), a);
}

/* The lowest bit is set, so that a key is never 0. */
static uint64
shared_key(const char *url, const char *rcs_id)
{
	return (uint64) rcs_account_key(url, rcs_id) | 1;
}

static RcsAccountEntry *
find_account(uint64 key)
{
	for (int i = 0; i < RCS_MAX_ACCOUNTS && rcs_account_entries[i].used; i++)
		if (rcs_account_entries[i].key == key)
			return &rcs_account_entries[i];
	return NULL;
}

static RcsAccountEntry *
add_account(uint64 key)
{
	for (int i = 0; i < RCS_MAX_ACCOUNTS; i++)
	{
		RcsAccountEntry *a = &rcs_account_entries[i];

		if (a->used)
			continue;
		a->key = key;
		a->used = true;
		return a;
	}
	return NULL;
}

/* The number of the account's entry.  A new entry is made if there is none; -1: the table is full. */
int
rcs_account_entry(const char *url, const char *rcs_id, const char *server)
{
	uint64 key = shared_key(url, rcs_id);
	RcsAccountEntry *a;

	if (rcs_account_entries == NULL)
		return -1;
	LWLockAcquire(rcs_shmem_lock(RCS_LOCK_ACCOUNTS), LW_EXCLUSIVE);
	a = find_account(key);
	if (a == NULL)
		a = add_account(key);
	LWLockRelease(rcs_shmem_lock(RCS_LOCK_ACCOUNTS));
	if (a == NULL)
		return -1;
	SpinLockAcquire(&a->mutex);
	strlcpy(a->name, server, sizeof(a->name));
	SpinLockRelease(&a->mutex);
	return (int) (a - rcs_account_entries);
}

/* The entry of an account that somebody has attached, or NULL. */
RcsAccountEntry *
rcs_account_find(const char *url, const char *rcs_id)
{
	return rcs_account_entries == NULL ? NULL : find_account(shared_key(url, rcs_id));
}
