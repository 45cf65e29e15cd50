/*
 * files.h
 *	  Which files the carrier holds for which account, and until when.
 *
 * Knows fingerprints only: not the contents, nor how a file comes in.
 */
#ifndef KTSIM_FILES_H
#define KTSIM_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "ids.h"
#include "sha256.h"

typedef struct SimFile
{
	SimIdKey key; /* of account and fileId */
	char sha256[SIM_SHA256_HEX + 1];
	uint64_t expires_us; /* since the epoch; an expired file is still known */
	struct SimFile *next;
} SimFile;

#define SIM_FILE_BUCKETS 4096

typedef struct SimFiles
{
	SimFile *buckets[SIM_FILE_BUCKETS];
} SimFiles;

extern SimFile *sim_file_find(const SimFiles *files, const char *account, const char *id);
extern void sim_file_store(SimFiles *files, const char *account, const char *id, const char *sha256,
						   uint64_t expires_us);
extern void sim_files_expire(SimFiles *files);
extern void sim_files_free(SimFiles *files);

#endif /* KTSIM_FILES_H */
