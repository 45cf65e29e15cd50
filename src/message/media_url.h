/*
 * media_url.h
 *	  Images that a message names by an address of the web.
 *
 * Pure: jsonb and strings in, jsonb and strings out.
 */
#ifndef RCS_MEDIA_URL_H
#define RCS_MEDIA_URL_H

#include "nodes/pg_list.h"
#include "utils/jsonb.h"

#define RCS_MEDIA_URL_MAX 2000

/* of a file that the carrier holds: the value of a media member, followed by the file's id */
#define RCS_MEDIA_SCHEME "maapfile://"

/*
 * The still of a film of YouTube, which is the film's page, a comma, and a file that
 * was uploaded before; NULL: the value is no film.
 */
extern const char *rcs_media_film_still(const char *value, int len);

/* Is the value of a media member one to be fetched?  A film of YouTube is not. */
extern bool rcs_media_is_url(const char *value, int len);

/* The addresses in a message, in order, repeated as they are: a List of char *. */
extern List *rcs_media_urls(JsonbContainer *message);

/* NULL, or the reason why an address is ambiguous. */
extern const char *rcs_media_url_problem(const char *url);

/* Is the address at or below this url of a server?  Neither has a problem. */
extern bool rcs_media_url_below(const char *url, const char *base);

/* The host that a url names, without port and brackets. */
extern char *rcs_media_url_host(const char *url);

/* For logs: the path without the query, which may hold a secret, and without long numbers. */
extern char *rcs_media_url_shown(const char *url);

/* The message with each address replaced by what "replace" gives; NULL when that gives NULL. */
extern Jsonb *rcs_media_replace(JsonbContainer *message,
								const char *(*replace)(const char *url, void *arg), void *arg);

#endif /* RCS_MEDIA_URL_H */
