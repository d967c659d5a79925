/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* What the noise of a measurement is, whoever says so: the user, or the measurement itself. */
#ifndef RESTORE_DESCRIBE_H
#define RESTORE_DESCRIBE_H

#include "restore/noise.h"
#include "restore/scale.h"

/* Noise as it was stated.  Values and counts are the file's. */
struct stated_noise {
	double sigma; /* in units of the range; < 0: photons, or to be estimated */
	/* Of a camera: variance = gain (value - offset) + read^2; gain 0: not stated */
	double gain, offset, read;
};

struct noise_description {
	struct noise noise; /* on the inner scale */
	double wide; /* of correlated noise: its level in means of 2x2 values, to be taken off there first; 0: none */
	const char *how; /* it was found, where not as usual; static, or NULL */
	int doubts;	 /* warnings that were given */
};

int noise_is_estimated(const struct stated_noise *);

/* Estimates the noise of y, which is on the inner scale and has NaN where values are missing, for the problem's operator.
 * step: the smallest difference of two values of the file, on the inner scale; 0: float.  name: of y, for messages. */
int noise_estimate(struct problem *, const float *y, double step, const char *name,
		   struct noise_description *);
/* The law that was stated for n values of y; its sigma is the root mean square over y. */
void noise_of_photons(const struct stated_noise *, const struct scale *, size_t n, const float *y,
		      struct noise_description *);
/* A law on one inner scale, said on another. */
struct noise noise_rescale(const struct noise *, const struct scale *from, const struct scale *to);
/* The same law of noise, louder. */
void noise_raise(struct noise *, double factor);

#endif
