/*
 * file_ledger.c
 *	  The record of every upload.
 *
 * Written like the ledger of offers: unbuffered, before the answer.  Knows what
 * an upload looks like from outside; not how it is judged.
 */
#define _GNU_SOURCE
#include "file_ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

#define LINE_BYTES 512
#define COLUMNS 12

static const char header[] =
	"#n\ttime_us\taccount\tfileId\tmimeType\tsize\tsha256\tdecision\tcode\t"
	"http_status\tanswered\texpires_us\n";

const char *
sim_file_decision_name(SimFileDecision decision)
{
	static const char *const names[SIM_FILE_DECISIONS] = {"stored",	   "again",		"refused",
														  "duplicate", "throttled", "token",
														  "fault"};

	return names[decision];
}

/* Takes up one line of an earlier run; a broken last line is passed over. */
static void
reload_line(SimFileLedger *ledger, SimFiles *files, char *line)
{
	char *field[COLUMNS];
	char *rest = line;

	for (size_t i = 0; i < COLUMNS; i++)
	{
		field[i] = strsep(&rest, "\t");
		if (field[i] == NULL)
			return;
	}
	ledger->lines = strtoull(field[0], NULL, 10);
	if (strcmp(field[7], sim_file_decision_name(SIM_FILE_STORED)) == 0)
		sim_file_store(files, field[2], field[3], field[6], strtoull(field[11], NULL, 10));
}

/* A carrier that restarts still has its files. */
static void
reload(SimFileLedger *ledger, const char *path, SimFiles *files)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	if (file == NULL)
		return;
	while (getline(&line, &size, file) > 0)
		if (line[0] != '#')
			reload_line(ledger, files, line);
	free(line);
	fclose(file);
}

void
sim_file_ledger_open(SimFileLedger *ledger, const char *path, SimFiles *files)
{
	ledger->fd = -1;
	ledger->lines = 0;
	if (path == NULL)
		return;
	reload(ledger, path, files);
	ledger->fd = sim_open_append(path);
	if (lseek(ledger->fd, 0, SEEK_END) == 0)
		sim_write_all(ledger->fd, header, sizeof(header) - 1);
}

void
sim_file_ledger_write(SimFileLedger *ledger, const SimFileOffer *offer)
{
	char line[LINE_BYTES];
	char status[16] = "-";
	char expires[32] = "-";
	int len;

	ledger->lines++;
	if (ledger->fd < 0)
		return;
	if (offer->status != 0)
		snprintf(status, sizeof(status), "%u", offer->status);
	if (offer->expires_us != 0)
		snprintf(expires, sizeof(expires), "%" PRIu64, offer->expires_us);
	len = snprintf(line, sizeof(line),
				   "%" PRIu64 "\t%" PRIu64 "\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
				   ledger->lines, offer->time_us, offer->account, offer->file_id, offer->mime_type,
				   offer->size, offer->sha256, sim_file_decision_name(offer->decision),
				   offer->code ? offer->code : "-", status, offer->answered, expires);
	sim_write_all(ledger->fd, line, (size_t) len);
}

void
sim_file_ledger_close(SimFileLedger *ledger)
{
	if (ledger->fd >= 0)
		close(ledger->fd);
	ledger->fd = -1;
}
