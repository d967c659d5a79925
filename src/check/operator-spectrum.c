/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Conformance of operators: functions of A'A, by closed form and by iteration, and singular values. */
#include <config.h>

#include "check/operator-private.h"

#include "base/memory.h"
#include "base/vector.h"
#include "check/spectrum.h"
#include "engine/solve.h"

#include <math.h>
#include <string.h>

static double gain_one(double lambda, const void *context)
{
	(void)lambda, (void)context;
	return 1;
}

double trial_gain_lambda(double lambda, const void *context)
{
	(void)context;
	return lambda;
}

static double gain_root(double lambda, const void *context)
{
	(void)context;
	return lambda > 0 ? sqrt(lambda) : 0;
}

static double gain_inverse(double lambda, const void *context)
{
	return 1 / (lambda + *(const double *)context);
}

static double gain_pseudo_inverse(double lambda, const void *context)
{
	return lambda > *(const double *)context ? 1 / lambda : 0;
}

static double gain_projector(double lambda, const void *context)
{
	return lambda > *(const double *)context;
}

/* Falls by e^3 over the spectrum; the context is its largest eigenvalue. */
static double gain_exponential(double lambda, const void *context)
{
	return exp(-3 * lambda / *(const double *)context);
}

/* A few steps of the power method: a lower bound. */
double trial_largest_eigenvalue(const struct trial *t)
{
	float *v = t->temporary[0], *y = t->temporary[1], *next = t->temporary[2];
	double norm = 0;
	int i;

	trial_random(t, 90, t->nx, v);
	for (i = 0; i < (t->c->now->brief ? 4 : 12); i++) {
		norm = vector_norm(t->nx, v);
		if (!(norm > 0))
			return 0;
		vector_scale(t->nx, 1 / norm, v);
		trial_normal(t, v, y, next);
		memcpy(v, next, t->nx * sizeof *v);
	}
	return vector_norm(t->nx, v);
}

/* Error relative to the largest possible A'A b, because b may be in the null space.  Leaves the result in atab. */
void trial_examine_gain_lambda(const struct trial *t, const float *b, float *x, float *y,
			       float *atab)
{
	trial_normal(t, b, y, atab);
	trial_spectral(t, trial_gain_lambda, NULL, b, x);
	check_limit(t->c, SPECTRAL_LAMBDA,
		    trial_distance(t->nx, x, atab, t->largest * vector_norm(t->nx, b)), tolerance);
}

void trial_examine_gains(const struct trial *t)
{
	float *b = t->temporary[0], *x = t->temporary[1], *y = t->temporary[2],
	      *atab = t->temporary[3], *twice = t->temporary[4];
	double rho = t->largest / 30, norm;
	size_t i;

	trial_random(t, 100, t->nx, b);
	norm = vector_norm(t->nx, b);
	trial_spectral(t, gain_one, NULL, b, x);
	check_limit(t->c, SPECTRAL_ONE, trial_distance(t->nx, x, b, norm), tolerance);

	trial_examine_gain_lambda(t, b, x, y, atab);

	trial_spectral(t, gain_root, NULL, b, x);
	trial_spectral(t, gain_root, NULL, x, twice);
	check_limit(t->c, SPECTRAL_ROOT, trial_distance(t->nx, twice, atab, t->largest * norm),
		    10 * tolerance);

	trial_spectral(t, gain_inverse, &rho, b, x);
	trial_normal(t, x, y, atab);
	for (i = 0; i < t->nx; i++)
		atab[i] = (float)(atab[i] + rho * x[i]);
	check_limit(t->c, SPECTRAL_INVERSE, trial_distance(t->nx, atab, b, norm), 10 * tolerance);
}

struct normal_context {
	const struct trial *t;
	float *y;
};

static int normal_product(void *context, const float *v, float *out)
{
	const struct normal_context *n = context;

	trial_normal(n->t, v, n->y, out);
	return LACUNA_OK;
}

/* Compares closed form and Lanczos, which uses only A and A', for a gain that operators cannot treat specially. */
void trial_examine_iterations(const struct trial *t)
{
	float *b = t->temporary[0], *closed = t->temporary[1], *iterated = t->temporary[2];
	struct normal_context context = { t, t->temporary[3] };
	const struct solve_matrix matrix = { t->nx, normal_product, &context };
	float *work = memory_alloc_array(SOLVE_WORK * t->nx, sizeof *work);
	double change;

	if (!work)
		return;
	trial_random(t, 130, t->nx, b);
	trial_spectral(t, gain_exponential, &t->largest, b, closed);
	if (!solve_lanczos(&matrix, &(struct solve_gain){ gain_exponential, &t->largest, 25, 0 }, b,
			   iterated, &change, work))
		check_limit(t->c, SPECTRAL_ITERATIONS,
			    trial_distance(t->nx, closed, iterated, vector_norm(t->nx, b)), 1e-4);
	memory_release(work);
}

/* out = A^+ y; work is x-shaped */
static void pseudo_inverse(const struct trial *t, const double *threshold, const float *y,
			   float *work, float *out)
{
	trial_adjoint(t, NULL, y, work);
	trial_spectral(t, gain_pseudo_inverse, threshold, work, out);
}

/* Checks that the preconditioner M is symmetric and positive: (Mv, w) = (v, Mw), (Mv, v) > 0. */
void trial_examine_approximate(const struct trial *t)
{
	float *v = t->temporary[0], *w = t->temporary[1], *mv = t->temporary[2],
	      *mw = t->temporary[3];
	const double rho = t->largest > 0 ? t->largest / 30 : 1;
	struct call call = trial_call(t, "approximate", trial_run_approximate, t->nx);
	double scale;

	call.gain = gain_inverse;
	call.gain_context = &rho;
	trial_random(t, 120, t->nx, v);
	trial_random(t, 121, t->nx, w);
	call.in[0] = v;
	check_quick(t->c, &call, mv);
	call.in[0] = w;
	check_quick(t->c, &call, mw);
	scale = fmin(vector_norm(t->nx, mv) * vector_norm(t->nx, w),
		     vector_norm(t->nx, v) * vector_norm(t->nx, mw));
	check_limit(t->c, APPROXIMATE,
		    fabs(vector_dot(t->nx, mv, w) - vector_dot(t->nx, v, mw)) / scale, tolerance);
	check_expect(t->c, APPROXIMATE, vector_dot(t->nx, mv, v) > 0, "(Mv, v) is not positive");
}

/* ||b - (A'WA + rho) x|| / ||b||; the first guess is not the solution. */
static double residual_of_solve(const struct trial *t, const struct lacuna_system *system,
				const float *b)
{
	float *start = t->temporary[1], *x = t->temporary[2], *y = t->temporary[3],
	      *left = t->temporary[4];
	struct call call = trial_call(t, "solve", trial_run_solve, t->nx);

	trial_random(t, 141, t->nx, start);
	call.in[0] = b;
	call.in[1] = start;
	call.gain_context = system;
	check_quick(t->c, &call, x);
	trial_apply(t, x, y);
	for (size_t i = 0; system->weights && i < t->ny; i++)
		y[i] *= system->weights[i];
	trial_adjoint(t, NULL, y, left);
	for (size_t i = 0; i < t->nx; i++)
		left[i] += (float)(system->rho * x[i]);
	return trial_distance(t->nx, left, b, vector_norm(t->nx, b));
}

void trial_examine_solve(const struct trial *t)
{
	float *b = t->temporary[0], *weights = t->temporary[5];
	struct lacuna_system system = trial_system(t, NULL);

	trial_random(t, 140, t->nx, b);
	check_limit(t->c, SOLVES, residual_of_solve(t, &system, b), 10 * system.tolerance);
	trial_random(t, 142, t->ny, weights);
	for (size_t i = 0; i < t->ny; i++)
		weights[i] = i % 5 ? weights[i] * weights[i] : 0;
	system.weights = weights;
	check_limit(t->c, SOLVES, residual_of_solve(t, &system, b), 10 * system.tolerance);
}

/* Treats eigenvalues up to a threshold as 0.  With P = 1[lambda > threshold](A'A), B = A A^+ and A^+ as in the design:
 * A^+ A = P, A A^+ A = A P, A^+ A A^+ = A^+, and both products are symmetric. */
void trial_examine_pseudo_inverse(const struct trial *t)
{
	float *x = t->temporary[0], *ax = t->temporary[1], *pinv_ax = t->temporary[2],
	      *work = t->temporary[3], *px = t->temporary[4], *apx = t->temporary[5],
	      *y = t->temporary[6], *pinv_y = t->temporary[7], *by = t->temporary[8],
	      *again = t->temporary[9], *z = t->temporary[10], *bz = t->temporary[11];
	const double threshold = 1e-3 * t->largest, limit = 1e-3;

	trial_random(t, 110, t->nx, x);
	trial_apply(t, x, ax);
	pseudo_inverse(t, &threshold, ax, work, pinv_ax);
	trial_spectral(t, gain_projector, &threshold, x, px);
	check_limit(t->c, PSEUDO_INVERSE, trial_distance(t->nx, pinv_ax, px, vector_norm(t->nx, x)),
		    limit);
	trial_apply(t, pinv_ax, by);
	trial_apply(t, px, apx);
	check_limit(t->c, PSEUDO_INVERSE, trial_distance(t->ny, by, apx, vector_norm(t->ny, ax)),
		    limit);

	trial_random(t, 111, t->ny, y);
	pseudo_inverse(t, &threshold, y, work, pinv_y);
	trial_apply(t, pinv_y, by);
	pseudo_inverse(t, &threshold, by, work, again);
	check_limit(t->c, PSEUDO_INVERSE,
		    trial_distance(t->nx, again, pinv_y, vector_norm(t->nx, pinv_y)), limit);
	trial_random(t, 112, t->ny, z);
	pseudo_inverse(t, &threshold, z, work, again);
	trial_apply(t, again, bz);
	check_limit(t->c, PSEUDO_INVERSE,
		    fabs(vector_dot(t->ny, by, z) - vector_dot(t->ny, y, bz)) /
			    (vector_norm(t->ny, y) * vector_norm(t->ny, z)),
		    limit);
}

/* Multiplications allowed for singular values: negligible time; for shapes that were asked for, about a second. */
static const double cheap = 3e7, affordable = 5e8;

static double cost_of_singular_values(const struct trial *t)
{
	const double n = (double)t->nx, m = (double)t->ny;

	return n * m * fmin(n, m);
}

/* Column j of A is A e_j. */
static int singular_values(const struct trial *t, struct check_spectrum *s)
{
	double *matrix = memory_alloc_array(t->nx, t->ny * sizeof *matrix);
	float *unit = t->temporary[0], *column = t->temporary[1];
	size_t i, j;
	int status;

	if (!matrix)
		return LACUNA_ENOMEM;
	memset(unit, 0, t->nx * sizeof *unit);
	for (j = 0; j < t->nx; j++) {
		unit[j] = 1;
		trial_apply(t, unit, column);
		unit[j] = 0;
		for (i = 0; i < t->ny; i++)
			matrix[j * t->ny + i] = column[i];
	}
	status = spectrum_of(t->ny, t->nx, matrix, s);
	memory_release(matrix);
	return status;
}

void trial_measure_spectrum(const struct trial *t)
{
	struct check_spectrum *s = &t->c->measures.spectrum, found = { .x = t->x };

	if (cost_of_singular_values(t) <= (t->c->asked ? affordable : cheap)) {
		if ((!s->exact || t->nx > s->count) && !singular_values(t, &found))
			*s = found;
	} else if (!s->exact && sqrt(t->largest) > s->largest) {
		*s = (struct check_spectrum){ .largest = sqrt(t->largest),
					      .count = t->nx,
					      .x = t->x };
	}
}
