/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Mean and standard deviation of samples, value by value, without keeping the samples. */
#ifndef RESTORE_ENSEMBLE_H
#define RESTORE_ENSEMBLE_H

#include <stddef.h>
#include <stdint.h>

struct ensemble {
	size_t n;	 /* values of a sample */
	int64_t samples; /* planned in total */
	int pairs;	 /* samples 2 k and 2 k + 1 have opposite noise */
	int64_t added;	 /* number so far */
	double *mean;	 /* owned, like the others */
	double *spread;	 /* sum of squared deviations */
	float *first;	 /* first sample of a pair */
};

/* With pairs, samples must be even and at least four.  LACUNA_ENOMEM. */
int ensemble_create(struct ensemble *, size_t n, int64_t samples, int pairs);
void ensemble_free(struct ensemble *); /* leaves an empty one */
/* Forgets the samples. */
void ensemble_reset(struct ensemble *);
/* Samples must be added in the order in which they were drawn. */
void ensemble_add(struct ensemble *, const float *sample);
/* Both need all samples.  unit: factor for the deviation. */
void ensemble_mean(const struct ensemble *, float *mean);
void ensemble_deviation(const struct ensemble *, double unit, float *deviation);

#endif
