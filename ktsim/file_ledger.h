/*
 * file_ledger.h
 *	  The record of every upload, and the counters that sum it up.
 *
 * Knows what an upload looks like from outside; not how it is judged.
 */
#ifndef KTSIM_FILE_LEDGER_H
#define KTSIM_FILE_LEDGER_H

#include <stddef.h>
#include <stdint.h>

#include "files.h"
#include "ledger.h"

typedef enum SimFileDecision
{
	SIM_FILE_STORED,
	SIM_FILE_AGAIN, /* held already, with this very content */
	SIM_FILE_REFUSED,
	SIM_FILE_DUPLICATE,
	SIM_FILE_THROTTLED,
	SIM_FILE_TOKEN,
	SIM_FILE_FAULT
} SimFileDecision;

#define SIM_FILE_DECISIONS (SIM_FILE_FAULT + 1)

typedef struct SimFileCounts
{
	uint64_t offers;
	uint64_t by_decision[SIM_FILE_DECISIONS];
} SimFileCounts;

typedef struct SimFileOffer
{
	uint64_t time_us;	 /* since the epoch, at receipt */
	const char *account; /* "-" when unknown, like the next four */
	char file_id[SIM_FIELD_MAX + 1];
	char mime_type[SIM_FIELD_MAX + 1];
	char size[SIM_FIELD_MAX + 1];
	char sha256[SIM_SHA256_HEX + 1];
	SimFileDecision decision;
	const char *code;	  /* or NULL */
	unsigned status;	  /* or 0 */
	const char *answered; /* "yes", "no", "late" */
	uint64_t expires_us;  /* or 0 */
} SimFileOffer;

typedef struct SimFileLedger
{
	int fd; /* or -1 */
	uint64_t lines;
} SimFileLedger;

extern const char *sim_file_decision_name(SimFileDecision decision);
extern void sim_file_ledger_open(SimFileLedger *ledger, const char *path, SimFiles *files);
extern void sim_file_ledger_write(SimFileLedger *ledger, const SimFileOffer *offer);
extern void sim_file_ledger_close(SimFileLedger *ledger);

#endif /* KTSIM_FILE_LEDGER_H */
