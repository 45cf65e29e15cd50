/*
 * util.h
 *	  Clocks, hashing, checksums, a seeded generator, files to append to, and the
 *	  way to give up.
 *
 * Knows nothing of HTTP, JSON or the carrier.
 */
#ifndef KTSIM_UTIL_H
#define KTSIM_UTIL_H

#include <stddef.h>
#include <stdint.h>

#define SIM_TIME_MAX 64
#define SIM_UUID_MAX 37

typedef struct SimRandom
{
	uint64_t state;
} SimRandom;

extern uint64_t sim_clock_us(void);
extern uint64_t sim_epoch_us(void);
extern void sim_carrier_time(uint64_t time_us, char *text, size_t size);
extern const char *sim_uuid(char *text);
extern uint64_t sim_hash(const void *data, size_t len, uint64_t seed);
extern uint32_t sim_crc32(const void *data, size_t len);
extern uint64_t sim_random_next(SimRandom *random);
extern double sim_random_below(SimRandom *random, double limit);
extern size_t sim_code_points(const char *text);
extern int sim_open_append(const char *path);
extern void sim_write_all(int fd, const char *data, size_t len);
extern void *sim_alloc(size_t size);
extern void *sim_resize(void *old, size_t size);
extern void sim_fatal(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif /* KTSIM_UTIL_H */
