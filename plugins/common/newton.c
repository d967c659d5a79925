/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Each round solves (J'J + rho I) d = J'(y - A(x)) + rho (z - x) for the step d, J the Jacobian at x. J v is a difference
 * of values of A; J' is the operator's adjoint. */
#include "common/newton.h"
#include "common/vector.h"

#include <math.h>

enum { CG_STEPS = 30, X_VECTORS = 6, Y_VECTORS = 3 };

struct system {
	const struct newton *p;
	double rho;
	const float *at;	     /* x */
	float *moved, *plus, *minus; /* x-shaped, y-shaped, y-shaped */
};

static int forward(const struct newton *p, const float *x, float *y)
{
	if (p->operation)
		return p->operations->operation_apply(p->host, p->operation, x, y);
	return p->host->problem->apply(p->host, x, y);
}

static int backward(const struct newton *p, const float *at, const float *y, float *x)
{
	if (p->operation)
		return p->operations->operation_adjoint(p->host, p->operation, at, y, x);
	return p->host->problem->adjoint(p->host, at, y, x);
}

/* Floats of a vector in the work space, padded to a multiple of 64 bytes. */
static size_t padded(size_t n)
{
	return (n + 15) / 16 * 16;
}

size_t newton_work(const struct newton *p)
{
	return X_VECTORS * padded(p->nx) + Y_VECTORS * padded(p->ny);
}

/* out = (J'J + rho I) v; the values of x are of the order of 1, so a change of 0.01 (rms) is small. */
static int product(const struct system *s, const float *v, float *out)
{
	const struct newton *p = s->p;
	const double norm2 = vector_inner(p->host, p->nx, v, v);
	const double h = norm2 > 0 ? 0.01 / sqrt(norm2 / (double)p->nx) : 1;
	int status;

	vector_combine(p->host, p->nx, 1, s->at, h, v, s->moved);
	status = forward(p, s->moved, s->plus);
	if (status)
		return status;
	vector_combine(p->host, p->nx, 1, s->at, -h, v, s->moved);
	status = forward(p, s->moved, s->minus);
	if (status)
		return status;
	vector_combine(p->host, p->ny, 0.5 / h, s->plus, -0.5 / h, s->minus, s->plus);
	status = backward(p, s->at, s->plus, out);
	if (status)
		return status;
	vector_combine(p->host, p->nx, 1, out, s->rho, v, out);
	return LACUNA_OK;
}

/* d = (J'J + rho I)^-1 r; r is overwritten */
static int solve(const struct system *s, float *r, float *d, float *direction, float *image)
{
	const struct lacuna_host *host = s->p->host;
	const size_t n = s->p->nx;
	double rr = vector_inner(host, n, r, r);
	const double goal = 1e-6 * rr; /* the linearisation is not more exact */

	vector_fill(n, 0, d);
	vector_combine(host, n, 1, r, 0, r, direction);
	for (int k = 0; k < CG_STEPS && rr > goal; k++) {
		const double last = rr;
		double alpha, curvature;
		int status = product(s, direction, image);

		if (status)
			return status;
		curvature = vector_inner(host, n, direction, image);
		if (!(curvature > 0)) /* with differences the matrix is not quite symmetric */
			break;
		alpha = rr / curvature;
		vector_combine(host, n, 1, d, alpha, direction, d);
		vector_combine(host, n, 1, r, -alpha, image, r);
		rr = vector_inner(host, n, r, r);
		vector_combine(host, n, 1, r, rr / last, direction, direction);
	}
	return LACUNA_OK;
}

static int objective(const struct newton *p, double rho, const float *y, const float *z,
		     const float *x, float *in_y, float *in_x, double *value)
{
	const int status = forward(p, x, in_y);

	if (status)
		return status;
	vector_combine(p->host, p->ny, 1, y, -1, in_y, in_y);
	vector_combine(p->host, p->nx, 1, x, -1, z, in_x);
	*value = vector_inner(p->host, p->ny, in_y, in_y) +
		 rho * vector_inner(p->host, p->nx, in_x, in_x);
	return LACUNA_OK;
}

int newton_minimise(const struct newton *p, double rho, const float *y, const float *z, int rounds,
		    float *x, float *work)
{
	const struct lacuna_host *host = p->host;
	const size_t nx = padded(p->nx), ny = padded(p->ny);
	float *r = work, *d = r + nx, *direction = d + nx, *image = direction + nx;
	float *trial = image + nx, *moved = trial + nx, *plus = moved + nx, *minus = plus + ny;
	float *residual = minus + ny;
	const struct system s = { p, rho, x, moved, plus, minus };
	double value, next;
	int status = objective(p, rho, y, z, x, residual, moved, &value);

	for (int k = 0; k < rounds && !status; k++) {
		double length = 1;

		/* moved = x - z here */
		status = backward(p, x, residual, r);
		if (status)
			return status;
		vector_combine(host, p->nx, 1, r, -rho, moved, r);
		status = solve(&s, r, d, direction, image);
		/* halve the step until it improves */
		for (int half = 0; half < 8 && !status; half++, length /= 2) {
			vector_combine(host, p->nx, 1, x, length, d, trial);
			status = objective(p, rho, y, z, trial, residual, moved, &next);
			if (status || next <= value)
				break;
		}
		if (status)
			return status;
		if (!(next <= value))
			return LACUNA_OK;
		vector_combine(host, p->nx, 1, trial, 0, trial, x);
		value = next;
	}
	return status;
}
