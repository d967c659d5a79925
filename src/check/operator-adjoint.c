/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Conformance of operators: A and its adjoint, and what the flags claim of A. */
#include <config.h>

#include "check/operator-private.h"

#include "base/error.h"
#include "base/vector.h"

#include <math.h>
#include <string.h>

/* Must be exactly 0, as sums of zeros are. */
void trial_examine_zero(const struct trial *t)
{
	float *zero = t->temporary[0], *out = t->temporary[1];

	memset(zero, 0, (t->nx > t->ny ? t->nx : t->ny) * sizeof *zero);
	trial_apply(t, zero, out);
	check_expect(t->c, ZERO, vector_norm(t->ny, out) == 0,
		     "A(0) is %.3g (rms), so A is affine, not linear",
		     vector_norm(t->ny, out) / sqrt((double)t->ny));
	trial_adjoint(t, NULL, zero, out);
	check_expect(t->c, ZERO, vector_norm(t->nx, out) == 0, "A'(0) is %.3g (rms)",
		     vector_norm(t->nx, out) / sqrt((double)t->nx));
}

/* z is 500 times as large, because an operator that clips is linear for small values. */
void trial_examine_linearity(const struct trial *t)
{
	float *x = t->temporary[0], *z = t->temporary[1], *ax = t->temporary[2],
	      *az = t->temporary[3], *sum = t->temporary[4], *asum = t->temporary[5];
	const double large = 500;
	size_t i;
	int round;

	for (round = t->c->now->brief; round < 2; round++) {
		const double a = 2, b = round ? 3 * large : 3;

		trial_random(t, 10, t->nx, x);
		trial_random(t, 11, t->nx, z);
		for (i = 0; i < t->nx; i++)
			sum[i] = (float)(a * x[i] + b * z[i]);
		trial_apply(t, x, ax);
		trial_apply(t, z, az);
		trial_apply(t, sum, asum);
		for (i = 0; i < t->ny; i++)
			sum[i] = (float)(a * ax[i] + b * az[i]);
		check_limit(t->c, LINEARITY,
			    trial_distance(t->ny, asum, sum,
					   a * vector_norm(t->ny, ax) + b * vector_norm(t->ny, az)),
			    tolerance);
	}
}

/* Two inner products that should be equal, over several draws.  The scale is the largest over the draws, because a
 * product may be small by chance, but from the smaller of the two sides: a test must not pass because the other side is
 * huge. */
struct agreement {
	double error, scale;
};

/* (a, b) over n values and (c, d) over m */
static void compare(struct agreement *g, size_t n, const float *a, const float *b, size_t m,
		    const float *c, const float *d)
{
	const double difference = fabs(vector_dot(n, a, b) - vector_dot(m, c, d));
	const double left = vector_norm(n, a) * vector_norm(n, b);
	const double right = vector_norm(m, c) * vector_norm(m, d);

	if (!(difference <= g->error)) /* or NaN */
		g->error = difference;
	g->scale = fmax(g->scale, fmin(left, right) / sqrt((double)(n < m ? n : m)));
}

static double relative(const struct agreement *a)
{
	return a->error == 0 ? 0 : a->error / a->scale;
}

void trial_examine_adjoint(const struct trial *t)
{
	float *x = t->temporary[0], *y = t->temporary[1], *ax = t->temporary[2],
	      *aty = t->temporary[3];
	struct agreement products = { 0, 0 };
	uint64_t round;

	for (round = 0; round < (t->c->now->brief ? 1 : 4); round++) {
		trial_random(t, 20 + round, t->nx, x);
		trial_random(t, 30 + round, t->ny, y);
		trial_apply(t, x, ax);
		trial_adjoint(t, NULL, y, aty);
		compare(&products, t->ny, ax, y, t->nx, x, aty);
	}
	check_limit(t->c, ADJOINT, relative(&products), product_tolerance);
}

/* Relative error of (J v, w) = (v, J'w), with J v by central differences of half-width h. */
static double jacobian_error(const struct trial *t, double h)
{
	float *at = t->temporary[0], *v = t->temporary[1], *w = t->temporary[2],
	      *point = t->temporary[3], *plus = t->temporary[4], *minus = t->temporary[5],
	      *jtw = t->temporary[6];
	struct agreement products = { 0, 0 };
	uint64_t round;
	size_t i;

	for (round = 0; round < (t->c->now->brief ? 1 : 4); round++) {
		trial_random(t, 40 + round, t->nx, at);
		for (i = 0; i < t->nx; i++)
			at[i] = (float)(0.5 + 0.1 * at[i]);
		trial_random(t, 50 + round, t->nx, v);
		trial_random(t, 60 + round, t->ny, w);
		for (i = 0; i < t->nx; i++)
			point[i] = (float)(at[i] + h * v[i]);
		trial_apply(t, point, plus);
		for (i = 0; i < t->nx; i++)
			point[i] = (float)(at[i] - h * v[i]);
		trial_apply(t, point, minus);
		for (i = 0; i < t->ny; i++)
			plus[i] = (float)(((double)plus[i] - minus[i]) / (2 * h));
		trial_adjoint(t, at, w, jtw);
		compare(&products, t->ny, plus, w, t->nx, v, jtw);
	}
	return relative(&products);
}

/* A steep operator needs a small h, one with large values a large h: a correct adjoint agrees for at least one of them. */
void trial_examine_jacobian(const struct trial *t)
{
	static const double widths[] = { 5e-3, 1e-3, 2e-2 };
	double best = NAN;
	size_t i;

	for (i = 0; i < sizeof widths / sizeof *widths && !(best <= 1e-3); i++)
		best = fmin(best, jacobian_error(t, widths[i]));
	check_limit(t->c, JACOBIAN, best, 1e-2);
}

/* Examines that A'A multiplies each value by its own factor d.  d: not one of the first three temporary images. */
static void examine_products(const struct trial *t, enum property property, uint64_t stream,
			     const float *d)
{
	float *v = t->temporary[0], *y = t->temporary[1], *atav = t->temporary[2];

	trial_random(t, stream, t->nx, v);
	trial_normal(t, v, y, atav);
	for (size_t i = 0; i < t->nx; i++)
		v[i] *= d[i];
	check_limit(t->c, property, trial_distance(t->nx, atav, v, vector_norm(t->nx, v)),
		    tolerance);
}

void trial_examine_pixelwise(const struct trial *t)
{
	float *ones = t->temporary[0], *y = t->temporary[1], *d = t->temporary[3];

	for (size_t i = 0; i < t->nx; i++)
		ones[i] = 1;
	trial_normal(t, ones, y, d);
	examine_products(t, PIXELWISE, 70, d);
}

void trial_examine_diagonal(const struct trial *t)
{
	float *d = t->temporary[3];
	int status;

	check_enter(t->c, "diagonal");
	status = t->op->diagonal(t->self, d);
	check_leave(t->c, status == LACUNA_EUNSUPPORTED ? LACUNA_OK : status);
	if (status == LACUNA_EUNSUPPORTED)
		return;
	if (!check_expect(t->c, DIAGONAL, !status, "diagonal() fails: %s", error_text()))
		return;
	examine_products(t, DIAGONAL, 80, d);
}

/* b belongs to the instance: neither the images seen between two calls nor other threads (check_call()) may change it. */
void trial_examine_offset(const struct trial *t)
{
	struct call call = trial_call(t, "offset", trial_run_offset, t->ny);
	struct guarded b = { NULL, 0, NULL };
	float *x = t->temporary[0], *y = t->temporary[1], *again = t->temporary[2];
	int status;

	if (!check_expect(t->c, OFFSET, t->op->flags & LACUNA_LINEAR,
			  "offset() is only for linear operators, but the flag LINEAR is missing"))
		return;
	status = check_call(t->c, &call, &b);
	check_expect(t->c, ACCEPTS, !status, "offset() fails: %s", error_text());
	for (int round = 0; !status && round < 2; round++) {
		trial_random(t, 150, t->nx, x);
		vector_scale(t->nx, round ? 100 : 1, x);
		trial_apply(t, x, y);
		trial_adjoint(t, NULL, y, x);
		status = check_quick(t->c, &call, again);
		check_expect(t->c, OFFSET, !status && !memcmp(again, b.data, t->ny * sizeof *again),
			     "offset() gives a different result after apply() and adjoint()");
	}
	guarded_release(&b);
}

/* Checks A A x = A x and A = A': (Ax, z) = (x, Az). */
void trial_examine_projection(const struct trial *t)
{
	float *x = t->temporary[0], *z = t->temporary[1], *ax = t->temporary[2],
	      *az = t->temporary[3], *again = t->temporary[4];
	struct agreement products = { 0, 0 };

	if (!check_expect(t->c, PROJECTION, t->nx == t->ny, "x and y have different sizes"))
		return;
	trial_random(t, 160, t->nx, x);
	trial_random(t, 161, t->nx, z);
	trial_apply(t, x, ax);
	trial_apply(t, z, az);
	trial_apply(t, ax, again);
	check_limit(t->c, PROJECTION, trial_distance(t->nx, again, ax, vector_norm(t->nx, x)),
		    tolerance);
	compare(&products, t->nx, ax, z, t->nx, x, az);
	check_limit(t->c, PROJECTION, relative(&products), product_tolerance);
}
