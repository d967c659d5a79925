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

double range_null(double lambda, const void *tolerance)
{
	return !(lambda > *(const double *)tolerance);
}

static double pseudo_inverse(double lambda, const void *tolerance)
{
	return lambda > *(const double *)tolerance ? 1 / lambda : 0;
}

/* The largest eigenvalue of A'A by power iteration, from an image that is constant but for some noise: near enough for a
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
	if (status == LACUNA_OK)
		vector_add_noise(host, nx, 0.5, stream, x);
	norm = sqrt(vector_inner(host, nx, x, x));
	for (int i = 0; i < ITERATIONS && status == LACUNA_OK && norm > 0; i++) {
		vector_combine(host, nx, 1 / norm, x, 0, x, x);
		status = host->apply(host, x, y);
		if (status == LACUNA_OK)
			status = host->adjoint(host, NULL, y, x);
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
	const size_t n = lacuna_count(&problem->x);
	float *b = NULL;
	int status = range_tolerance(host, problem, floor, spread, &range->tolerance);

	range->pinv = NULL;
	if (status)
		return status;
	b = host->alloc(host, n * sizeof *b);
	range->pinv = host->alloc(host, n * sizeof *b);
	if (!b || !range->pinv)
		status = LACUNA_ENOMEM;
	if (status == LACUNA_OK)
		status = host->adjoint(host, NULL, problem->measurement, b);
	if (status == LACUNA_OK)
		status = host->spectral(host, pseudo_inverse, &range->tolerance, b, range->pinv);
	host->release(host, b);
	if (status) {
		host->release(host, range->pinv);
		range->pinv = NULL;
	}
	return status;
}
