/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Noise that grows with brightness, made even: the generalised Anscombe transform and its exact unbiased inverse.
 *
 * What denoisers of white noise do best is white noise; told of photons value by value they lose up to 2 dB
 * (doc/measurements.md).  Values are transformed one by one, so the operator must not mix or scale them. */
#ifndef RESTORE_STABILISE_H
#define RESTORE_STABILISE_H

#include "restore/noise.h"

struct stabiliser;

/* For noise with a slope.  Values 0 and 1 of a scene become 0 and 1. */
int stabiliser_create(const struct noise *, struct stabiliser **);
void stabiliser_destroy(struct stabiliser *); /* accepts NULL */

/* Standard deviation of the noise after it, less where there is but a photon or two. */
double stabiliser_sigma(const struct stabiliser *);
/* In place; NaN stays. */
void stabiliser_enter(const struct stabiliser *, size_t n, float *y);
/* What a value x of the scene becomes on average: E[enter(y) | x], and back.  leave(expect(x)) = x. */
double stabiliser_expect(const struct stabiliser *, double x);
void stabiliser_leave(const struct stabiliser *, size_t n, float *x);

#endif
