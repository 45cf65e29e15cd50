/*
 * files.c
 *	  Which files the carrier holds for which account, and until when.
 *
 * Knows fingerprints only: not the contents, nor how a file comes in.
 */
#include "files.h"

#include <stdio.h>
#include <stdlib.h>

#include "util.h"

static SimFile *
find_key(const SimFiles *files, SimIdKey key)
{
	SimFile *file = files->buckets[key.high % SIM_FILE_BUCKETS];

	while (file != NULL && (file->key.high != key.high || file->key.low != key.low))
		file = file->next;
	return file;
}

SimFile *
sim_file_find(const SimFiles *files, const char *account, const char *id)
{
	return find_key(files, sim_id_key(account, id));
}

/* In place of what the account had under this id. */
void
sim_file_store(SimFiles *files, const char *account, const char *id, const char *sha256,
			   uint64_t expires_us)
{
	SimIdKey key = sim_id_key(account, id);
	SimFile *file = find_key(files, key);

	if (file == NULL)
	{
		SimFile **bucket = &files->buckets[key.high % SIM_FILE_BUCKETS];

		file = sim_alloc(sizeof(SimFile));
		file->key = key;
		file->next = *bucket;
		*bucket = file;
	}
	snprintf(file->sha256, sizeof(file->sha256), "%s", sha256);
	file->expires_us = expires_us;
}

void
sim_files_expire(SimFiles *files)
{
	for (size_t i = 0; i < SIM_FILE_BUCKETS; i++)
		for (SimFile *file = files->buckets[i]; file != NULL; file = file->next)
			file->expires_us = 0;
}

void
sim_files_free(SimFiles *files)
{
	for (size_t i = 0; i < SIM_FILE_BUCKETS; i++)
	{
		while (files->buckets[i] != NULL)
		{
			SimFile *file = files->buckets[i];

			files->buckets[i] = file->next;
			free(file);
		}
	}
}
