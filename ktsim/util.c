/*
 * util.c
 *	  Clocks, hashing, checksums, a seeded generator, files to append to, and the
 *	  way to give up.
 *
 * Knows nothing of HTTP, JSON or the carrier.
 */
#define _GNU_SOURCE
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define US_PER_S UINT64_C(1000000)
#define US_PER_MS UINT64_C(1000)
#define KOREA_S 32400 /* nine hours ahead */

static uint64_t
read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t) now.tv_sec * US_PER_S + (uint64_t) now.tv_nsec / 1000;
}

/* For intervals: never jumps. */
uint64_t
sim_clock_us(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

/* For the ledger: comparable with the clocks of other programs. */
uint64_t
sim_epoch_us(void)
{
	return read_clock(CLOCK_REALTIME);
}

/* YYYY-MM-DDThh:mm:ss.mmm+09: the offset has hours only. */
void
sim_carrier_time(uint64_t time_us, char *text, size_t size)
{
	time_t seconds = (time_t) (time_us / US_PER_S) + KOREA_S;
	char date[40];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, size, "%s.%03u+09", date, (unsigned) (time_us % US_PER_S / US_PER_MS));
}

/* A random one, into a text of SIM_UUID_MAX bytes; not from the seed, see accounts.c. */
const char *
sim_uuid(char *text)
{
	uint32_t word[4];

	if (getrandom(word, sizeof(word), 0) != (ssize_t) sizeof(word))
		sim_fatal("no random bytes from the system");
	snprintf(text, SIM_UUID_MAX, "%08x-%04x-4%03x-a%03x-%04x%08x", word[0], word[1] >> 16,
			 word[1] & 0xfff, word[2] >> 20, word[2] & 0xffff, word[3]);
	return text;
}

/* The finalizer of splitmix64: every input bit reaches every output bit. */
static uint64_t
mix(uint64_t x)
{
	x ^= x >> 30;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	x ^= x >> 27;
	x *= UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

uint64_t
sim_hash(const void *data, size_t len, uint64_t seed)
{
	const unsigned char *byte = data;
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ mix(seed);

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
	return mix(hash);
}

/* The common CRC-32 (as in zlib), so that any language can check the ledger. */
uint32_t
sim_crc32(const void *data, size_t len)
{
	static uint32_t table[256];
	static bool ready = false;
	const unsigned char *byte = data;
	uint32_t crc = 0xffffffff;

	if (!ready)
	{
		for (uint32_t i = 0; i < 256; i++)
		{
			table[i] = i;
			for (int bit = 0; bit < 8; bit++)
				table[i] = (table[i] >> 1) ^ ((table[i] & 1) ? 0xedb88320 : 0);
		}
		ready = true;
	}
	for (size_t i = 0; i < len; i++)
		crc = (crc >> 8) ^ table[(crc ^ byte[i]) & 0xff];
	return ~crc;
}

/* splitmix64: good enough for dice, and one word of state. */
uint64_t
sim_random_next(SimRandom *random)
{
	random->state += UINT64_C(0x9e3779b97f4a7c15);
	return mix(random->state);
}

double
sim_random_below(SimRandom *random, double limit)
{
	return (double) (sim_random_next(random) >> 11) * 0x1.0p-53 * limit;
}

/* The text must be valid UTF-8, which the JSON parser has made sure of. */
size_t
sim_code_points(const char *text)
{
	size_t count = 0;

	for (; *text != '\0'; text++)
		count += ((unsigned char) *text & 0xc0) != 0x80;
	return count;
}

int
sim_open_append(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (fd < 0)
		sim_fatal("could not open \"%s\": %s", path, strerror(errno));
	return fd;
}

void
sim_write_all(int fd, const char *data, size_t len)
{
	while (len > 0)
	{
		ssize_t written = write(fd, data, len);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			sim_fatal("could not write to the ledger: %s", strerror(errno));
		data += written;
		len -= (size_t) written;
	}
}

void *
sim_alloc(size_t size)
{
	void *memory = calloc(1, size);

	if (memory == NULL)
		sim_fatal("out of memory");
	return memory;
}

void *
sim_resize(void *old, size_t size)
{
	void *memory = realloc(old, size);

	if (memory == NULL)
		sim_fatal("out of memory");
	return memory;
}

void
sim_fatal(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(2);
}
