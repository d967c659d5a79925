/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Makes noise that grows with brightness even: the generalised Anscombe transform and its exact unbiased inverse.
 *
 * Denoisers of white noise work best on white noise; given a noise level for each value instead they lose up to 2 dB
 * (doc/measurements.md).  Each value is transformed alone, so the operator must not mix or scale values. */
#ifndef RESTORE_STABILISE_H
#define RESTORE_STABILISE_H

#include "restore/noise.h"

struct stabiliser;

/* For noise whose slope is above 0.  The scene's values 0 and 1 stay 0 and 1.  LACUNA_ENOMEM. */
int stabiliser_create(const struct noise *, struct stabiliser **);
void stabiliser_destroy(struct stabiliser *); /* accepts NULL */

/* Standard deviation of the transformed noise; it is less where there are only one or two photons. */
double stabiliser_sigma(const struct stabiliser *);
/* In place; NaN stays. */
void stabiliser_enter(const struct stabiliser *, size_t n, float *y);
/* expect: the mean of the transformed value for scene value x, E[enter(y) | x].  leave: its inverse, in place. */
double stabiliser_expect(const struct stabiliser *, double x);
void stabiliser_leave(const struct stabiliser *, size_t n, float *x);

#endif
