/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* What samplers have in common that step component by component of the operator's spectrum.  A component whose eigenvalue of A'A
 * is lambda is measured as ybar = A^+ y, with noise n = noise/sqrt(lambda).  A step from level sigma to level s is, with
 * D = denoised(u), z fresh normal noise and three gains,
 *
 *	u_s = D + state(A'A) (u - D) + measurement(A'A) (ybar - D) + fresh(A'A) z. */
#ifndef COMMON_COMPONENTS_H
#define COMMON_COMPONENTS_H

#include "common/levels.h"

/* The first member of such a sampler's instance, or all of it. */
struct components {
	struct levels levels; /* first; its estimate is D */
	size_t ny;
	double tolerance;
	float *work, *part, *residual;
};

/* The context of a gain, or its first member. */
struct components_level {
	double sigma, s;
	double noise;	  /* of the measurement */
	double tolerance; /* eigenvalues up to this are not measured */
};

/* The gain of the measurement multiplies A'(y - A D), whose components are lambda (ybar - D): it has 1/lambda in it, and is 0
 * for what is not measured. */
struct components_gains {
	lacuna_gain *state, *measurement, *fresh;
};

/* An instance of `bytes' that begins with struct components; the rest is zero.  floor: see range_create() in
 * common/range.h. */
int components_create(const struct lacuna_host *, const struct schedule_config *, double floor,
		      const struct lacuna_problem *, size_t bytes, void **self);

/* Members of struct lacuna_sampler, beside levels_steps(), for instances that components_create() made.  The first state has
 * the measurement where its noise is below that of the level, else noise about the start image. */
void components_destroy(void *self);
int components_start(void *self, float *u);

struct components_level components_level(const struct components *, int64_t k);
/* Step k; context: of the gains. */
int components_step(const struct components *, int64_t k, const struct components_gains *,
		    const void *context, float *u);

/* Noise of the measurement in a component; INFINITY where it is not measured. */
double components_noise(double lambda, const struct components_level *);

#endif
