/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Describes the noise of a measurement, as the user states it or as estimated from the measurement. */
#ifndef RESTORE_DESCRIBE_H
#define RESTORE_DESCRIBE_H

#include "restore/noise.h"
#include "restore/scale.h"

/* Noise as the user stated it, in the values and counts of the file. */
struct stated_noise {
	double sigma; /* in units of the range; < 0: photon noise, or to be estimated */
	/* Camera noise: variance = gain (value - offset) + read^2; gain 0: not stated */
	double gain, offset, read;
};

struct noise_description {
	struct noise noise; /* on the inner scale */
	/* Levels of correlated noise in means of 2x2 and 4x4 values, where it is removed first; 0: none there. */
	double wide, wider;
	int colored;	 /* it is not white: correlated, or JPEG's */
	const char *how; /* how the noise was found, if not as usual; static, or NULL */
	int doubts;	 /* number of warnings given */
};

int noise_is_estimated(const struct stated_noise *);

/* *keeps: each value of y is a value of x, or missing, so noise can be dealt with value by value. */
int noise_keeps_values(struct problem *, int *keeps);

/* Estimates the noise of y, which is on the inner scale and has NaN where values are missing, for the problem's operator.
 * step: the smallest difference between two values of the file, on the inner scale; 0: float.  zero: the file's 0 on the inner
 * scale.  name: of y, for messages. */
int noise_estimate(struct problem *, const float *y, double step, double zero, const char *name,
		   struct noise_description *);
/* Looks for noise that differs from place to place, and not by a law: see noise_in_places().  *factor: y-shaped, owned by the
 * caller; NULL: there is none, or the operator does not keep values. */
int noise_estimate_places(struct problem *, const float *y, const struct noise_description *,
			  float **factor, double range[2]);
/* Warns if the stated standard deviation, on the inner scale, is far from the noise that y shows.  unit: factor from the
 * inner scale to what the message gives. */
int noise_compare(struct problem *, const float *y, double stated, double unit, const char *name,
		  struct noise_description *);
/* Converts the stated law to the inner scale, for n values of y; its sigma is the root mean square over y. */
void noise_of_photons(const struct stated_noise *, const struct scale *, size_t n, const float *y,
		      struct noise_description *);
/* Converts a law from one inner scale to another. */
struct noise noise_rescale(const struct noise *, const struct scale *from, const struct scale *to);
/* Multiplies the noise by a factor. */
void noise_raise(struct noise *, double factor);

#endif
