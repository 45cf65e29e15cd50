/*
 * place.c
 *		What tells a data directory from a copy of it.
 *
 * global/pg_control is written in place as long as a cluster lives, so its time
 * of birth outlives restarts, crashes and a move by rename; a copy has another.
 * This file must not know what is concluded from that.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "access/xlog_internal.h"
#include "storage/fd.h"

#include "hold/place.h"

#define CONTROL_FILE "global/pg_control"
#define LABEL_FILE "backup_label.old"
#define LABEL_MAX 128
#define MACHINE_FILE "/etc/machine-id"
#define MACHINE_DIGITS 32
#define NO_TARGET "no recovery target specified"

const char *
rcs_place_written(void)
{
	static char written[64] = "";

#if defined(STATX_BTIME)
	struct statx st;

	if (written[0] == '\0' && statx(AT_FDCWD, CONTROL_FILE, 0, STATX_BTIME, &st) == 0 &&
		(st.stx_mask & STATX_BTIME) != 0)
		snprintf(written, sizeof(written), INT64_FORMAT ".%09u", (int64) st.stx_btime.tv_sec,
				 (unsigned) st.stx_btime.tv_nsec);
#endif
	return written;
}

const char *
rcs_place_machine(void)
{
	static char machine[MACHINE_DIGITS + 1] = "";
	FILE *file;

	if (machine[0] != '\0' || (file = AllocateFile(MACHINE_FILE, "r")) == NULL)
		return machine;
	if (fread(machine, 1, MACHINE_DIGITS, file) != MACHINE_DIGITS ||
		strspn(machine, "0123456789abcdef") != MACHINE_DIGITS)
		machine[0] = '\0';
	FreeFile(file);
	return machine;
}

/* Adds a line of the label to what is known of it, if it is one that tells two backups apart. */
static void
add_to_label(char *label, const char *line)
{
	static const char *const telling[] = {"START WAL LOCATION: ", "START TIME: "};

	for (int i = 0; i < lengthof(telling); i++)
		if (strncmp(line, telling[i], strlen(telling[i])) == 0)
		{
			strlcat(label, line + strlen(telling[i]), LABEL_MAX);
			label[strcspn(label, "\n")] = '\0';
			strlcat(label, " ", LABEL_MAX);
		}
}

/*
 * The server renames the label when it has started from it.  A label that is not
 * "streamed" was left by a crash of a server that was being backed up itself.
 */
const char *
rcs_place_label(void)
{
	char *label = palloc0(LABEL_MAX);
	char line[1024];
	bool streamed = false;
	FILE *file = AllocateFile(LABEL_FILE, "r");

	if (file == NULL)
		return label;
	while (fgets(line, sizeof(line), file) != NULL)
	{
		add_to_label(label, line);
		streamed = streamed || strcmp(line, "BACKUP METHOD: streamed\n") == 0;
	}
	FreeFile(file);
	if (!streamed)
		label[0] = '\0';
	return label;
}

/* A line: timeline, where it ended, and why, with tabs between them. */
static bool
names_target(const char *line, int after)
{
	int timeline;
	const char *reason = strrchr(line, '\t');

	return sscanf(line, "%d\t", &timeline) == 1 && timeline >= after && reason != NULL &&
		   strncmp(reason + 1, NO_TARGET, strlen(NO_TARGET)) != 0;
}

bool
rcs_place_had_target(int timeline, int after)
{
	char path[MAXPGPATH];
	char line[1024];
	bool found = false;
	FILE *file;

	TLHistoryFilePath(path, (TimeLineID) timeline);
	file = AllocateFile(path, "r");
	if (file == NULL)
		return false;
	while (!found && fgets(line, sizeof(line), file) != NULL)
		found = names_target(line, after);
	FreeFile(file);
	return found;
}
