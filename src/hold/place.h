/*
 * place.h
 *		On which machine, and in which data directory, this server runs.
 */
#ifndef RCS_PLACE_H
#define RCS_PLACE_H

/* When the data directory was written to this disk; "" = not known. */
extern const char *rcs_place_written(void);

/* The identity of the machine; "" = none, as in a container. */
extern const char *rcs_place_machine(void);

/* The base backup that the data directory was started from; "" = none. */
extern const char *rcs_place_label(void);

/* Does the history of the timeline say that recovery stopped at a target, after this timeline? */
extern bool rcs_place_had_target(int timeline, int after);

#endif /* RCS_PLACE_H */
