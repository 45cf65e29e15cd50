/*
 * sha256.c
 *	  SHA-256 (FIPS 180-4) of bytes in memory.
 *
 * So that the stand-in needs no cryptographic library.  Knows nothing of files.
 */
#include "sha256.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define BLOCK_BYTES 64
#define ROUNDS 64

static const uint32_t constants[ROUNDS] =
	{0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	 0xc67178f2};

static uint32_t
turn(uint32_t word, int bits)
{
	return (word >> bits) | (word << (32 - bits));
}

static void
expand(uint32_t words[ROUNDS], const unsigned char *block)
{
	for (int i = 0; i < 16; i++)
		words[i] = (uint32_t) block[4 * i] << 24 | (uint32_t) block[4 * i + 1] << 16 |
				   (uint32_t) block[4 * i + 2] << 8 | (uint32_t) block[4 * i + 3];
	for (int i = 16; i < ROUNDS; i++)
	{
		uint32_t early = words[i - 15];
		uint32_t late = words[i - 2];

		words[i] = words[i - 16] + words[i - 7] + (turn(early, 7) ^ turn(early, 18) ^ early >> 3) +
				   (turn(late, 17) ^ turn(late, 19) ^ late >> 10);
	}
}

static void
add_block(uint32_t state[8], const unsigned char *block)
{
	uint32_t words[ROUNDS];
	uint32_t s[8];

	expand(words, block);
	memcpy(s, state, sizeof(s));
	for (int i = 0; i < ROUNDS; i++)
	{
		uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
		uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
		uint32_t first = s[7] + (turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25)) + choice +
						 constants[i] + words[i];
		uint32_t second = (turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22)) + majority;

		memmove(s + 1, s, 7 * sizeof(uint32_t));
		s[4] += first;
		s[0] = first + second;
	}
	for (int i = 0; i < 8; i++)
		state[i] += s[i];
}

/* The last bytes, a one, zeros, and the length in bits. */
static void
add_tail(uint32_t state[8], const unsigned char *data, size_t tail, uint64_t len)
{
	unsigned char blocks[2 * BLOCK_BYTES] = {0};
	size_t size = tail + 9 <= BLOCK_BYTES ? BLOCK_BYTES : 2 * BLOCK_BYTES;

	memcpy(blocks, data, tail);
	blocks[tail] = 0x80;
	for (size_t i = 0; i < 8; i++)
		blocks[size - 1 - i] = (unsigned char) (len * 8 >> 8 * i);
	for (size_t at = 0; at < size; at += BLOCK_BYTES)
		add_block(state, blocks + at);
}

void
sim_sha256(const void *data, size_t len, char hex[SIM_SHA256_HEX + 1])
{
	uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
						 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
	const unsigned char *bytes = data;
	size_t at = 0;

	for (; len - at >= BLOCK_BYTES; at += BLOCK_BYTES)
		add_block(state, bytes + at);
	add_tail(state, bytes + at, len - at, len);
	for (int i = 0; i < 8; i++)
		snprintf(hex + 8 * i, 9, "%08x", state[i]);
}
