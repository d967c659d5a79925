/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Counter-based normal deviates: Philox-4x32-10 (Salmon et al., SC 2011) and Box-Muller with polynomials of our own, so
 * that the bits depend neither on the number of threads nor on the C library. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random_key {
	uint64_t seed;
	uint32_t image, sample;
};

/* out[i] = standard normal deviate number position + i of the stream.  Any thread. */
void random_gaussian(struct random_key, uint64_t stream, uint64_t position, float *out, size_t n);
/* out[i] = uniform deviate in [0, 1) number position + i; independent of the normals of the same stream. */
void random_uniform(struct random_key, uint64_t stream, uint64_t position, float *out, size_t n);

#endif
