/*
 * multipart.h
 *	  The parts of a multipart/form-data body.
 *
 * Bounded, and a pure function of the bytes.  Knows nothing of what the parts
 * mean, nor of HTTP beyond the one header.
 */
#ifndef KTSIM_MULTIPART_H
#define KTSIM_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

#define SIM_PARTS_MAX 32
#define SIM_PART_NAME_MAX 64

typedef struct SimPart
{
	char name[SIM_PART_NAME_MAX + 1];
	const char *data; /* within the body: any bytes, no NUL at the end */
	size_t len;
} SimPart;

typedef struct SimMultipart
{
	SimPart parts[SIM_PARTS_MAX];
	size_t count;
} SimMultipart;

extern bool sim_multipart_parse(SimMultipart *multipart, const char *content_type, const char *body,
								size_t len);
extern const SimPart *sim_multipart_find(const SimMultipart *multipart, const char *name);

#endif /* KTSIM_MULTIPART_H */
