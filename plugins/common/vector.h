/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Arithmetic on images, in parallel. The ranges depend only on the length, so results do not depend on the number of
 * threads. */
#ifndef COMMON_VECTOR_H
#define COMMON_VECTOR_H

#include <lacuna/plugin.h>

/* Bytes of n values in a work space, rounded up so that what follows them is aligned as the work space is (64 bytes). */
size_t vector_bytes(size_t n);
/* out = a x + b y; out may be x or y. */
void vector_combine(const struct lacuna_host *, size_t n, double a, const float *x, double b,
		    const float *y, float *out);
/* x += sd times white noise from a stream of host->gaussian(). */
void vector_add_noise(const struct lacuna_host *, size_t n, double sd, uint64_t stream, float *x);
void vector_fill(size_t n, float value, float *x);
double vector_inner(const struct lacuna_host *, size_t n, const float *a, const float *b);

#endif
