/*
 * sha256.h
 *	  The common fingerprint of a file, so that any language can check the ledger.
 *
 * Knows nothing of files.
 */
#ifndef KTSIM_SHA256_H
#define KTSIM_SHA256_H

#include <stddef.h>

#define SIM_SHA256_HEX 64

extern void sim_sha256(const void *data, size_t len, char hex[SIM_SHA256_HEX + 1]);

#endif /* KTSIM_SHA256_H */
