/*
 * ledger.c
 *	  The record of every offer.
 *
 * A line is in the kernel's hands before the answer is: whatever happens to
 * this process, what a client was told can be found here.  Therefore nothing is
 * buffered, and a line that cannot be written ends the program.  Knows what an
 * offer looks like from outside; not how it is judged.
 */
#define _GNU_SOURCE
#include "ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

#define LINE_BYTES 512
#define US_PER_S UINT64_C(1000000)

static const char header[] =
	"#n\ttime_us\taccount\tmsgId\tphone\tchatbot\tdecision\tcode\thttp_status\tanswered\tbody_crc32\n";

const char *
sim_decision_name(SimDecision decision)
{
	static const char *const names[SIM_DECISIONS] = {"accepted",  "refused", "duplicate",
													 "throttled", "token",	 "fault"};

	return names[decision];
}

/* Keeps a line a line, whatever the client has put into the value. */
void
sim_field_set_bytes(char *field, const char *data, size_t len)
{
	if (len == 0)
	{
		data = "-";
		len = 1;
	}
	if (len > SIM_FIELD_MAX)
		len = SIM_FIELD_MAX;
	for (size_t i = 0; i < len; i++)
	{
		unsigned char byte = (unsigned char) data[i];

		field[i] = (byte < 0x20 || byte == 0x7f) ? '?' : data[i];
	}
	field[len] = '\0';
}

void
sim_field_set(char *field, const char *value)
{
	sim_field_set_bytes(field, value, value ? strlen(value) : 0);
}

/* Takes up one line of an earlier run; a broken last line is passed over. */
static void
reload_line(SimLedger *ledger, SimIds *ids, char *line)
{
	char *field[7];
	char *rest = line;

	for (size_t i = 0; i < 7; i++)
	{
		field[i] = strsep(&rest, "\t");
		if (field[i] == NULL)
			return;
	}
	ledger->lines = strtoull(field[0], NULL, 10);
	if (strcmp(field[6], sim_decision_name(SIM_ACCEPTED)) == 0)
		sim_ids_remember(ids, sim_id_key(field[2], field[3]),
						 strtoull(field[1], NULL, 10) / US_PER_S);
}

/* A carrier that restarts has not forgotten what it accepted. */
static void
reload(SimLedger *ledger, const char *path, SimIds *ids)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	if (file == NULL)
		return;
	while (getline(&line, &size, file) > 0)
		if (line[0] != '#')
			reload_line(ledger, ids, line);
	free(line);
	fclose(file);
}

void
sim_ledger_open(SimLedger *ledger, const char *path, const char *bodies_path, SimIds *ids)
{
	ledger->ledger_fd = -1;
	ledger->bodies_fd = -1;
	ledger->lines = 0;
	if (path != NULL)
	{
		reload(ledger, path, ids);
		ledger->ledger_fd = sim_open_append(path);
		if (lseek(ledger->ledger_fd, 0, SEEK_END) == 0)
			sim_write_all(ledger->ledger_fd, header, sizeof(header) - 1);
	}
	if (bodies_path != NULL)
		ledger->bodies_fd = sim_open_append(bodies_path);
}

/*
 * One line per body.  In JSON a raw line break can only stand between tokens,
 * where a blank means the same.
 */
static void
write_body(int fd, const SimOffer *offer)
{
	size_t id_len = strlen(offer->msg_id);
	size_t len = id_len + 1 + offer->body_len + 1;
	char *line = sim_alloc(len);

	memcpy(line, offer->msg_id, id_len);
	line[id_len] = '\t';
	for (size_t i = 0; i < offer->body_len; i++)
	{
		char byte = offer->body[i];

		line[id_len + 1 + i] = (byte == '\n' || byte == '\r') ? ' ' : byte;
	}
	line[len - 1] = '\n';
	sim_write_all(fd, line, len);
	free(line);
}

void
sim_ledger_write(SimLedger *ledger, const SimOffer *offer)
{
	char line[LINE_BYTES];
	char status[16] = "-";
	int len;

	ledger->lines++;
	if (ledger->bodies_fd >= 0)
		write_body(ledger->bodies_fd, offer);
	if (ledger->ledger_fd < 0)
		return;
	if (offer->status != 0)
		snprintf(status, sizeof(status), "%u", offer->status);
	len = snprintf(line, sizeof(line),
				   "%" PRIu64 "\t%" PRIu64 "\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%08" PRIx32 "\n",
				   ledger->lines, offer->time_us, offer->account, offer->msg_id, offer->phone,
				   offer->chatbot, sim_decision_name(offer->decision),
				   offer->code ? offer->code : "-", status, offer->answered,
				   sim_crc32(offer->body, offer->body_len));
	sim_write_all(ledger->ledger_fd, line, (size_t) len);
}

void
sim_ledger_close(SimLedger *ledger)
{
	if (ledger->ledger_fd >= 0)
		close(ledger->ledger_fd);
	if (ledger->bodies_fd >= 0)
		close(ledger->bodies_fd);
	ledger->ledger_fd = -1;
	ledger->bodies_fd = -1;
}
