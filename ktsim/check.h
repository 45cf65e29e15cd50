/*
 * check.h
 *	  Does a message keep the carrier's rules?
 *
 * Pure functions of the JSON text: each returns NULL or the code of the first
 * rule broken.  Knows nothing of accounts, rates, HTTP or switches.
 */
#ifndef KTSIM_CHECK_H
#define KTSIM_CHECK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Is there a file of this id? */
typedef bool SimFileKnown(const char *file_id, void *context);

extern const char *sim_check_envelope(const json_t *root);
extern const char *sim_check_common(const json_t *common);
extern const char *sim_check_rcs(const json_t *rcs);
extern const char *sim_check_sizes(const json_t *rcs, size_t raw_len);
extern const char *sim_check_media(const json_t *rcs, SimFileKnown *known, void *context);
extern const char *sim_check_legacy(const json_t *root);

#endif /* KTSIM_CHECK_H */
