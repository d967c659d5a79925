/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A first guess at the image: argmin ||y - A x||^2/noise^2 + ||x - 1/2||^2/spread^2. */
#include "common/guess.h"
#include "common/vector.h"

#include <math.h>
#include <string.h>

/* Standard deviation of the pixels of a photograph on the 0..1 scale, and their middle. */
static const double spread = 0.25, middle = 0.5;
/* A noiseless measurement still needs a little damping where the operator is singular. */
static const double least_rho = 1e-4;

static int tikhonov(const struct lacuna_host *host, const struct lacuna_problem *problem, float *x)
{
	const size_t nx = lacuna_count(&problem->x), ny = lacuna_count(&problem->y);
	const double rho = fmax(problem->noise * problem->noise / (spread * spread), least_rho);
	float *residual = host->alloc(host, ny * sizeof *residual);
	float *b = host->alloc(host, nx * sizeof *b);
	int status = LACUNA_ENOMEM;

	if (!residual || !b)
		goto out;
	vector_fill(nx, (float)middle, b);
	status = host->apply(host, b, residual);
	if (status)
		goto out;
	vector_combine(host, ny, 1, problem->measurement, -1, residual, residual);
	status = host->adjoint(host, NULL, residual, b);
	if (status)
		goto out;
	vector_fill(nx, 0, x);
	status = host->solve(host, rho, b, x);
	if (status)
		goto out;
	for (size_t i = 0; i < nx; i++)
		x[i] += (float)middle;
out:
	host->release(host, b);
	host->release(host, residual);
	return status;
}

int guess_image(const struct lacuna_host *host, const struct lacuna_problem *problem, float *x)
{
	const size_t n = lacuna_count(&problem->x);
	int status = LACUNA_EUNSUPPORTED;

	if (problem->start) {
		memcpy(x, problem->start, n * sizeof *x);
		return LACUNA_OK;
	}
	if (problem->measurement)
		status = tikhonov(host, problem, x);
	if (status == LACUNA_EUNSUPPORTED) {
		vector_fill(n, (float)middle, x);
		status = LACUNA_OK;
	}
	return status;
}
