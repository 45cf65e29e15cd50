/*
 * session.h
 *		The logins of the web console.
 */
#ifndef RCS_SESSION_H
#define RCS_SESSION_H

/*
 * The text of a Set-Cookie header, good until the session is replaced; NULL: there are
 * no random numbers.  secure: the browser is to send it over TLS only.
 */
extern const char *rcs_session_begin(bool secure);
extern bool rcs_session_known(const char *cookies); /* a Cookie header, or NULL */

/* The text of a Set-Cookie header that takes the cookie away, good for ever. */
extern const char *rcs_session_end(const char *cookies);

extern void rcs_session_end_all(void);

#endif /* RCS_SESSION_H */
