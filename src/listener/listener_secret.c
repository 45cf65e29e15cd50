/*
 * listener_secret.c
 *		The secrets by which the listener knows its clients: one or two lines of a file.
 *
 * A secret may stand in the path of an address, so it is made of characters that
 * mean nothing there.  This file must not know the rights that a secret gives.
 */
#include "postgres.h"

#include "base/secret_file.h"
#include "listener/listener_secret.h"

#define FILE_MAX (RCS_SECRETS * (RCS_LISTEN_SECRET_MAX + 2) + 64)

static bool
is_plain(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~' || strchr("/%?#\\", text[i]) != NULL)
			return false;
	return true;
}

static bool
add_line(RcsSecrets *secrets, const char *line, size_t len, const char *setting, char **problem)
{
	if (len == 0)
		return true;
	if (secrets->n == RCS_SECRETS)
		*problem = psprintf("the file of %s has more than %d lines", setting, RCS_SECRETS);
	else if (len < RCS_LISTEN_SECRET_MIN || len > RCS_LISTEN_SECRET_MAX)
		*problem =
			psprintf("a secret in the file of %s has less than %d or more than %d characters",
					 setting, RCS_LISTEN_SECRET_MIN, RCS_LISTEN_SECRET_MAX);
	else if (!is_plain(line, len))
		*problem =
			psprintf("a secret in the file of %s has a character that cannot stand in an address",
					 setting);
	else
		memcpy(secrets->text[secrets->n++], line, len);
	return *problem == NULL;
}

static bool
read_lines(const char *text, const char *setting, RcsSecrets *secrets, char **problem)
{
	while (*text != '\0')
	{
		size_t len = strcspn(text, "\r\n");

		if (!add_line(secrets, text, len, setting, problem))
			return false;
		text += len;
		text += strspn(text, "\r\n");
	}
	if (secrets->n == 0)
		*problem = psprintf("the file of %s is empty", setting);
	return *problem == NULL;
}

bool
rcs_listener_secrets_read(const char *path, const char *setting, RcsSecrets *secrets,
						  char **problem)
{
	RcsSecrets fresh = {0};
	char *text = rcs_secret_file_read(path, setting, FILE_MAX, problem);
	bool fine;

	if (text == NULL)
		return false;
	fine = read_lines(text, setting, &fresh, problem);
	explicit_bzero(text, strlen(text));
	pfree(text);
	if (fine)
		*secrets = fresh;
	explicit_bzero(&fresh, sizeof(fresh));
	return fine;
}

bool
rcs_listener_secret_possible(const char *given, size_t len)
{
	return len >= RCS_LISTEN_SECRET_MIN && len <= RCS_LISTEN_SECRET_MAX && is_plain(given, len);
}

bool
rcs_listener_secret_known(const RcsSecrets *secrets, const char *given, size_t len)
{
	char padded[RCS_LISTEN_SECRET_MAX] = {0};
	int known = 0;

	memcpy(padded, given, Min(len, sizeof(padded)));
	for (int s = 0; s < RCS_SECRETS; s++)
	{
		unsigned char difference = 0;

		for (int i = 0; i < RCS_LISTEN_SECRET_MAX; i++)
			difference |= (unsigned char) (padded[i] ^ secrets->text[s][i]);
		known |= (difference == 0) & (s < secrets->n);
	}
	return known != 0 && len >= RCS_LISTEN_SECRET_MIN && len <= RCS_LISTEN_SECRET_MAX;
}
