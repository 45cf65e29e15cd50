/*
 * notices.c
 *	  What the carrier tells its customers of its own accord, and the record of it.
 *
 * Knows the text of a notice and how it ended; not how it is delivered.
 */
#define _GNU_SOURCE
#include "notices.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "util.h"

#define LINE_BYTES 384

static const char header[] =
	"#time_us\taccount\twhat\tid\tsays\ttries\thttp_status\toutcome\tfirst_us\n";

/* Takes over the text. */
SimNotice *
sim_notice_new(const char *what, const char *id, const char *says, char *text, size_t len)
{
	SimNotice *notice = sim_alloc(sizeof(SimNotice));

	notice->what = what;
	notice->account = "-";
	notice->segment = "";
	notice->text = text;
	notice->len = len;
	sim_field_set(notice->id, id);
	snprintf(notice->says, sizeof(notice->says), "%s", says);
	return notice;
}

void
sim_notice_free(SimNotice *notice)
{
	free(notice->text);
	free(notice);
}

void
sim_notices_add(SimNotices *notices, SimNotice *notice)
{
	notice->next = NULL;
	if (notices->last != NULL)
		notices->last->next = notice;
	else
		notices->first = notice;
	notices->last = notice;
	notices->count++;
}

/* The oldest, taken out; NULL when there is none. */
SimNotice *
sim_notices_take(SimNotices *notices)
{
	SimNotice *notice = notices->first;

	if (notice == NULL)
		return NULL;
	notices->first = notice->next;
	if (notices->first == NULL)
		notices->last = NULL;
	notices->count--;
	notice->next = NULL;
	return notice;
}

void
sim_push_ledger_open(SimPushLedger *ledger, const char *path)
{
	ledger->fd = -1;
	if (path == NULL)
		return;
	ledger->fd = sim_open_append(path);
	if (lseek(ledger->fd, 0, SEEK_END) == 0)
		sim_write_all(ledger->fd, header, sizeof(header) - 1);
}

void
sim_push_ledger_write(SimPushLedger *ledger, const SimNotice *notice, const char *status,
					  const char *outcome)
{
	char line[LINE_BYTES];
	int len;

	if (ledger->fd < 0)
		return;
	len = snprintf(line, sizeof(line), "%" PRIu64 "\t%s\t%s\t%s\t%s\t%u\t%s\t%s\t%" PRIu64 "\n",
				   sim_epoch_us(), notice->account, notice->what, notice->id, notice->says,
				   notice->tries, status, outcome, notice->first_us);
	sim_write_all(ledger->fd, line, (size_t) len);
}

void
sim_push_ledger_close(SimPushLedger *ledger)
{
	if (ledger->fd >= 0)
		close(ledger->fd);
	ledger->fd = -1;
}
