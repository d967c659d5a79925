/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The measured part of an image. */
#include "common/range.h"
#include "common/vector.h"

#include <math.h>

double range_projector(double lambda, const void *tolerance)
{
	return lambda > *(const double *)tolerance;
}

/* 1/2 at the tolerance; as steep as an iteration can follow in a few dozen steps. */
double range_soft_projector(double lambda, const void *tolerance)
{
	const double t = *(const double *)tolerance;

	return lambda > 0 ? lambda * lambda / (lambda * lambda + t * t) : 0;
}

double range_null(double lambda, const void *tolerance)
{
	return !(lambda > *(const double *)tolerance);
}

static double pseudo_inverse(double lambda, const void *tolerance)
{
	return lambda > *(const double *)tolerance ? 1 / lambda : 0;
}

/* The largest eigenvalue of A'A by power iteration, from a constant image with some noise. It is accurate enough for a
 * tolerance. */
static int largest_eigenvalue(const struct lacuna_host *host, const struct lacuna_problem *problem,
			      float *x, double *lambda)
{
	enum { ITERATIONS = 12 };
	static const uint64_t stream = UINT64_C(3) << 62;
	const size_t nx = lacuna_count(&problem->x), ny = lacuna_count(&problem->y);
	float *y = host->alloc(host, ny * sizeof *y);
	int status = y ? LACUNA_OK : LACUNA_ENOMEM;
	double norm;

	*lambda = 0;
	vector_fill(nx, 1, x);
	if (!status)
		vector_add_noise(host, nx, 0.5, stream, x);
	norm = sqrt(vector_inner(host, nx, x, x));
	for (int i = 0; i < ITERATIONS && status == LACUNA_OK && norm > 0; i++) {
		vector_combine(host, nx, 1 / norm, x, 0, x, x);
		status = host->problem->apply(host, x, y);
		if (!status)
			status = host->problem->adjoint(host, NULL, y, x);
		norm = sqrt(vector_inner(host, nx, x, x));
		*lambda = norm;
	}
	host->release(host, y);
	return status;
}

int range_tolerance(const struct lacuna_host *host, const struct lacuna_problem *problem,
		    double floor, double spread, double *tolerance)
{
	float *x = host->alloc(host, lacuna_count(&problem->x) * sizeof *x);
	double lambda = 0;
	const int status = x ? largest_eigenvalue(host, problem, x, &lambda) : LACUNA_ENOMEM;

	host->release(host, x);
	*tolerance = fmax(floor * floor * lambda, problem->noise * sqrt(lambda) / spread);
	return status;
}

int range_create(const struct lacuna_host *host, const struct lacuna_problem *problem, double floor,
		 double spread, struct range *range)
{
	/* In single precision an iteration cannot resolve smaller singular values. */
	static const double least_floor = 1e-2;
	const size_t n = lacuna_count(&problem->x);
	float *b = NULL;
	int status;

	*range = (struct range){ .host = host,
				 .problem = problem,
				 .nx = n,
				 .ny = lacuna_count(&problem->y),
				 .closed = (problem->flags & LACUNA_CLOSED) != 0 };
	status = range_tolerance(host, problem, range->closed ? floor : fmax(floor, least_floor),
				 spread, &range->tolerance);
	if (status || !range->closed)
		return status;
	b = host->alloc(host, n * sizeof *b);
	range->pinv = host->alloc(host, n * sizeof *b);
	if (!b || !range->pinv)
		status = LACUNA_ENOMEM;
	if (!status)
		status = host->problem->adjoint(host, NULL, problem->measurement, b);
	if (!status)
		status = host->problem->spectral(host, pseudo_inverse, &range->tolerance, b,
						 range->pinv);
	host->release(host, b);
	if (status) {
		host->release(host, range->pinv);
		range->pinv = NULL;
	}
	return status;
}

void range_destroy(struct range *r)
{
	if (r->host)
		r->host->release(r->host, r->pinv);
}

static size_t padded(size_t n)
{
	return (n + 15) / 16 * 16;
}

size_t range_work(const struct range *r)
{
	return r->closed ? 0 : 2 * padded(r->nx) + padded(r->ny);
}

int range_residual(const struct range *r, double scale, const float *v, float *x, float *in_y)
{
	const struct lacuna_host *host = r->host;
	const int status = host->problem->apply(host, v, in_y);

	if (status)
		return status;
	vector_combine(host, r->ny, scale, r->problem->measurement, -1, in_y, in_y);
	return host->problem->adjoint(host, NULL, in_y, x);
}

/* Conjugate gradients leave a residual, which is amplified in components that the operator hardly passes. Therefore a
 * second round solves for the residual. */
int range_pull(const struct range *r, double scale, const float *v, float *x, float *work)
{
	enum { ROUNDS = 2 };
	const struct lacuna_host *host = r->host;
	float *b = work, *more = b + padded(r->nx), *in_y = more + padded(r->nx);

	vector_fill(r->nx, 0, x);
	for (int k = 0; k < ROUNDS; k++) {
		int status;

		vector_combine(host, r->nx, 1, v, 1, x, more);
		status = range_residual(r, scale, more, b, in_y);
		if (status)
			return status;
		vector_combine(host, r->nx, 1, b, -r->tolerance, x, b);
		vector_fill(r->nx, 0, more);
		status = host->problem->solve(host, r->tolerance, b, more);
		if (status)
			return status;
		vector_combine(host, r->nx, 1, x, 1, more, x);
	}
	return LACUNA_OK;
}

int range_fit(const struct range *r, const float *d, float *x, float *work)
{
	const struct lacuna_host *host = r->host;
	const int status = r->closed
				   ? host->problem->spectral(host, range_null, &r->tolerance, d, x)
				   : range_pull(r, 1, d, x, work);

	if (!status)
		vector_combine(host, r->nx, 1, x, 1, r->closed ? r->pinv : d, x);
	return status;
}
