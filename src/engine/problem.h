/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The problem: composed operators, their shapes, the measurement, missing pixels. */
#ifndef ENGINE_PROBLEM_H
#define ENGINE_PROBLEM_H

#include "base/random.h"
#include "plugin/loader.h"

struct problem;

/* Composes operators left to right (the first is applied first).  known is the measurement's shape if from_y is true,
 * else the image's.  The uses must outlive the problem. */
int problem_create(const struct plugin_use *operators, size_t count, int from_y,
		   const struct lacuna_shape *known, struct problem **);
/* As problem_create().  wish: the user's shape for x where y does not determine it (0: no wish), or NULL. */
int problem_create_wished(const struct plugin_use *operators, size_t count, int from_y,
			  const struct lacuna_shape *known, const struct lacuna_shape *wish,
			  struct problem **);
void problem_destroy(struct problem *); /* accepts NULL */
/* *x: the shape that problem_create() from y would give x.  Creates no operator. */
int problem_find_x(const struct plugin_use *operators, size_t count, const struct lacuna_shape *y,
		   struct lacuna_shape *x);
/* Accuracy of problem_solve() and problem_spectral() where there is no closed form; the default is
 * solve_accuracy_default. */
struct solve_accuracy;
void problem_set_accuracy(struct problem *, const struct solve_accuracy *);
/* Flags of the composition: LACUNA_LINEAR, _PIXELWISE and _PICTURE if all operators have them, others if any has. */
uint32_t problem_compose_flags(const struct plugin_use *operators, size_t count);

const struct lacuna_shape *problem_x(const struct problem *);
const struct lacuna_shape *problem_y(const struct problem *);
/* The part of x that corresponds to y: restore writes only this part. */
const struct lacuna_region *problem_window(const struct problem *);
uint32_t problem_flags(const struct problem *); /* of the composition */

/* Sets the measurement: y-shaped, kept by pointer.  NaN means missing: such values are set to 0 in place, and the
 * operator is masked there.  Refuses infinities, and a y of nothing but NaN.  noise: sigma_y.  *missing: number of
 * missing values (may be NULL). */
int problem_measure(struct problem *, float *y, double noise, size_t *missing);

/* Makes problem_measure() divide A, y and the noise by the rms length of A's rows, unless that is about 1.  Guidances and
 * samplers expect noise and values on the scale of x, but a row may sum over hundreds of pixels: noise of 1 is then as
 * small as noise of 1/10 in a pixel.  For linear operators. */
int problem_normalise(struct problem *);

/* Removes the measurement, the mask of missing values and the weights; the operator remains. */
void problem_forget(struct problem *);

/* The b of y = A x + b, in the units of lacuna_operator.offset().  Without an offset, *found = 0 and b is not written. */
int problem_offset(struct problem *, float *b, int *found);
/* y = A y with the last operator, if it has the flag LACUNA_PROJECTION; else nothing.  LACUNA_EINVAL if an operator
 * before the last has the flag, or if y holds NaN or infinities. */
int problem_project(struct problem *, float *y);
int problem_apply(struct problem *, const float *x, float *y);
int problem_apply_to_ones(struct problem *, float *y); /* y = A 1 */
int problem_adjoint(struct problem *, const float *at, const float *y, float *x);
int problem_spectral(struct problem *, lacuna_gain *, const void *context, const float *b,
		     float *x);
int problem_solve(struct problem *, double rho, const float *b, float *x);
/* The distribution of b over the eigenvalues of A'A: see solve_quadrature().  For linear operators. */
int problem_quadrature(struct problem *, const float *b, int steps, double *nodes, double *weights,
		       int *count);
int problem_diagonal(struct problem *, float *d);
/* True if spectral and solve need no iteration. */
int problem_has_closed_form(struct problem *);
const float *problem_measurement(const struct problem *);
double problem_noise(const struct problem *);
/* Sets noise that varies from value to value.  Call it after problem_measure(), whose noise is the reference: A becomes
 * W A and the measurement W y (in place), W = diag(weights), weights = reference / standard deviation.  Plugins notice
 * nothing. */
int problem_weigh(struct problem *, const float *weights);
/* measured[i] = 1 if y[i] depends on the image at all, else 0.  Found with a random image: rows of zeros give exactly 0. */
int problem_measured(struct problem *, float *measured);
/* ||W (A x - y)|| / sqrt(number of values measured) */
int problem_residual(struct problem *, const float *x, double *rms);
/* y = A x + noise n; values of y that do not depend on x (masked pixels) stay 0. */
int problem_simulate(struct problem *, const float *x, double noise, struct random_key, float *y);

/* Lets an operator that stands alone find its free parameters: see lacuna/fit.h, which says what x, y and noise are.  config: a
 * copy of the operator's configuration.  LACUNA_EUNSUPPORTED: y does not tell. */
int problem_fit(struct problem *, const float *x, const float *y, double noise, void *config);

/* Copies the region, e.g. problem_window(), of from_x (shape x) into picture. */
void window_get(const struct lacuna_shape *x, const struct lacuna_region *, const float *from_x,
		float *picture);

#endif
