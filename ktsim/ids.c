/*
 * ids.c
 *	  Which message ids an account has used: an open-addressing hash table.
 *
 * Knows only hashes; not what an account or a message is.
 */
#include "ids.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

#define FIRST_CAPACITY ((size_t) 1 << 16)

SimIdKey
sim_id_key(const char *account, const char *msg_id)
{
	uint64_t owner = sim_hash(account, strlen(account), 1);
	size_t len = strlen(msg_id);
	SimIdKey key;

	key.high = sim_hash(msg_id, len, owner);
	key.low = sim_hash(msg_id, len, ~owner) | 1; /* never the free mark */
	return key;
}

/* The entry that holds the key, or the free one where it belongs. */
static SimIdEntry *
find_slot(SimIdEntry *entries, size_t capacity, SimIdKey key)
{
	size_t at = key.high & (capacity - 1);

	while (entries[at].key.low != 0 &&
		   (entries[at].key.low != key.low || entries[at].key.high != key.high))
		at = (at + 1) & (capacity - 1);
	return &entries[at];
}

static void
grow(SimIds *ids)
{
	size_t capacity = ids->capacity ? ids->capacity * 2 : FIRST_CAPACITY;
	SimIdEntry *entries = sim_alloc(capacity * sizeof(SimIdEntry));

	for (size_t i = 0; i < ids->capacity; i++)
		if (ids->entries[i].key.low != 0)
			*find_slot(entries, capacity, ids->entries[i].key) = ids->entries[i];
	free(ids->entries);
	ids->entries = entries;
	ids->capacity = capacity;
}

bool
sim_ids_known(const SimIds *ids, SimIdKey key, uint64_t now_s, uint64_t window_s)
{
	const SimIdEntry *entry;

	if (ids->capacity == 0)
		return false;
	entry = find_slot(ids->entries, ids->capacity, key);
	return entry->key.low != 0 && now_s < entry->taken_s + window_s;
}

void
sim_ids_remember(SimIds *ids, SimIdKey key, uint64_t now_s)
{
	SimIdEntry *entry;

	if (ids->used * 4 >= ids->capacity * 3)
		grow(ids);
	entry = find_slot(ids->entries, ids->capacity, key);
	if (entry->key.low == 0)
		ids->used++;
	entry->key = key;
	entry->taken_s = now_s;
}

void
sim_ids_free(SimIds *ids)
{
	free(ids->entries);
	memset(ids, 0, sizeof(*ids));
}
