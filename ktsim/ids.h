/*
 * ids.h
 *	  Which message ids an account has used, and when.
 *
 * Knows only hashes; not what an account or a message is.
 */
#ifndef KTSIM_IDS_H
#define KTSIM_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 128 bits of hash stand for account and id: no collision to be expected. */
typedef struct SimIdKey
{
	uint64_t high;
	uint64_t low;
} SimIdKey;

typedef struct SimIdEntry
{
	SimIdKey key; /* all zero: free */
	uint64_t taken_s;
} SimIdEntry;

typedef struct SimIds
{
	SimIdEntry *entries;
	size_t capacity; /* a power of two, or 0 before the first id */
	size_t used;
} SimIds;

extern SimIdKey sim_id_key(const char *account, const char *msg_id);
extern bool sim_ids_known(const SimIds *ids, SimIdKey key, uint64_t now_s, uint64_t window_s);
extern void sim_ids_remember(SimIds *ids, SimIdKey key, uint64_t now_s);
extern void sim_ids_free(SimIds *ids);

#endif /* KTSIM_IDS_H */
