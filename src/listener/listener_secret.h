/*
 * listener_secret.h
 *		The secrets by which the listener knows its clients.
 */
#ifndef RCS_LISTENER_SECRET_H
#define RCS_LISTENER_SECRET_H

#define RCS_LISTEN_SECRET_MIN 16
#define RCS_LISTEN_SECRET_MAX 128
#define RCS_SECRETS 2 /* the second one for the time of a change */

typedef struct RcsSecrets
{
	int n;
	char text[RCS_SECRETS][RCS_LISTEN_SECRET_MAX];
} RcsSecrets;

/* False, and why (palloc'd): then the secrets are left as they are. */
extern bool rcs_listener_secrets_read(const char *path, const char *setting, RcsSecrets *secrets,
									  char **problem);

/* Whether it has the form of a secret: what has not is no guess, but another kind of login. */
extern bool rcs_listener_secret_possible(const char *given, size_t len);

/* Takes the same time for a known secret and an unknown one.  Must not raise or allocate. */
extern bool rcs_listener_secret_known(const RcsSecrets *secrets, const char *given, size_t len);

#endif /* RCS_LISTENER_SECRET_H */
