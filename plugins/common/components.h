/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Common parts of samplers that treat each component of the operator's spectrum separately. A component with eigenvalue
 * lambda of A'A is measured as ybar = A^+ y, with noise n = noise/sqrt(lambda). With D = denoised(u), z fresh normal
 * noise and three gains, a step from level sigma to level s is
 *
 *	u_s = D + state(A'A) (u - D) + measurement(A'A) (ybar - D) + fresh(A'A) z. */
#ifndef COMMON_COMPONENTS_H
#define COMMON_COMPONENTS_H

#include "common/levels.h"

/* The instance of such a sampler, or its first member. */
struct components {
	struct levels levels; /* first; its estimate is D */
	size_t ny;
	double tolerance;
	float *work, *part, *residual;
};

/* Context of a gain, or its first member. */
struct components_level {
	double sigma, s;
	double noise;	  /* of the measurement */
	double tolerance; /* eigenvalues up to this are not measured */
};

/* The gain `measurement' multiplies A'(y - A D), whose components are lambda (ybar - D). It must therefore include
 * 1/lambda, and be 0 for unmeasured components. */
struct components_gains {
	lacuna_gain *state, *measurement, *fresh;
};

/* Makes an instance of `bytes' that begins with struct components; the rest is zero. floor: see range_create() in
 * common/range.h. */
int components_create(const struct lacuna_host *, const struct schedule_config *, double floor,
		      const struct lacuna_problem *, size_t bytes, void **self);

/* Members of struct lacuna_sampler, along with levels_steps(), for instances made by components_create(). The first state
 * is the measurement in components where its noise is below the level, else noise about the start image. */
void components_destroy(void *self);
int components_start(void *self, float *u);

struct components_level components_level(const struct components *, int64_t k);
/* Step k; context is passed to the gains. */
int components_step(const struct components *, int64_t k, const struct components_gains *,
		    const void *context, float *u);

/* Noise of the measurement in a component; INFINITY if unmeasured. */
double components_noise(double lambda, const struct components_level *);

#endif
