/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The measurement: composed operators, their shapes, the data, missing pixels. */
#ifndef ENGINE_PROBLEM_H
#define ENGINE_PROBLEM_H

#include "base/random.h"
#include "plugin/loader.h"

struct problem;

/* Composes operators left to right (the first is applied first).  known is the measurement's shape when from_y, else the
 * image's.  The uses must outlive the problem. */
int problem_create(const struct plugin_use *operators, size_t count, int from_y,
		   const struct lacuna_shape *known, struct problem **);
/* The same; wish: the shape that the user wants x to have where y does not tell it (0: no wish), or NULL. */
int problem_create_wished(const struct plugin_use *operators, size_t count, int from_y,
			  const struct lacuna_shape *known, const struct lacuna_shape *wish,
			  struct problem **);
void problem_destroy(struct problem *); /* accepts NULL */
/* Of problem_solve() and problem_spectral() where they have no closed form: engine/solve.h.  Else solve_accuracy_default. */
struct solve_accuracy;
void problem_set_accuracy(struct problem *, const struct solve_accuracy *);
/* Flags of a composition: what all operators promise, and what one says of its y. */
uint32_t problem_compose_flags(const struct plugin_use *operators, size_t count);

const struct lacuna_shape *problem_x(const struct problem *);
const struct lacuna_shape *problem_y(const struct problem *);
/* The part of x that shows the scene of y: what restore writes. */
const struct lacuna_region *problem_window(const struct problem *);
uint32_t problem_flags(const struct problem *); /* of the composition */

/* The measurement, y-shaped, kept by pointer.  NaN values are missing: they are set to 0 in place and the operator is
 * composed with the mask of what is there.  Infinities, or nothing but NaN, are refused.  noise: sigma_y.  *missing (if not
 * NULL): how many. */
int problem_measure(struct problem *, float *y, double noise, size_t *missing);

/* From now on a measurement, its noise and the operator are divided by the length of a row of A, root mean square, unless it
 * is about 1: a sum over hundreds of pixels with noise of 1 tells as much as a pixel with noise of 1/10.  Guidances and
 * samplers count with noise of values like those of x.  For linear operators. */
int problem_normalise(struct problem *);

/* Back to the operator alone: no measurement, nothing missing, no weights. */
void problem_forget(struct problem *);

/* b of y = A x + b, in the units that lacuna_operator.offset() has; b is left alone when there is none. */
int problem_offset(struct problem *, float *b, int *found);
/* y = A y, of an operator with the flag LACUNA_PROJECTION.  LACUNA_EINVAL where it is not the last, or y holds NaN. */
int problem_project(struct problem *, float *y);
int problem_apply(struct problem *, const float *x, float *y);
int problem_adjoint(struct problem *, const float *at, const float *y, float *x);
int problem_spectral(struct problem *, lacuna_gain *, const void *context, const float *b,
		     float *x);
int problem_solve(struct problem *, double rho, const float *b, float *x);
/* The distribution of b over the eigenvalues of A'A: solve_quadrature().  For linear operators. */
int problem_quadrature(struct problem *, const float *b, int steps, double *nodes, double *weights,
		       int *count);
int problem_diagonal(struct problem *, float *d);
/* True when spectral and solve need no iteration. */
int problem_has_closed_form(struct problem *);
const float *problem_measurement(const struct problem *);
double problem_noise(const struct problem *);
/* Noise that differs from value to value: after problem_measure(), whose noise is the reference, A becomes W A and the
 * measurement W y (in place), W = diag(weights), weights = reference / standard deviation.  No plugin sees a difference. */
int problem_weigh(struct problem *, const float *weights);
/* measured[i] = 1 where y[i] depends on the image at all, else 0: a row of zeros answers zero to a random image. */
int problem_measured(struct problem *, float *measured);
/* ||W (A x - y)|| / sqrt(number of values measured) */
int problem_residual(struct problem *, const float *x, double *rms);
/* y = A x + noise n; where y does not depend on x (masked pixels) it is 0 */
int problem_simulate(struct problem *, const float *x, double noise, struct random_key, float *y);

/* x holds a picture of problem_x; picture receives the window, and the other way round (the rest of x untouched). */
void window_get(const struct lacuna_shape *x, const struct lacuna_region *, const float *from_x,
		float *picture);

#endif
