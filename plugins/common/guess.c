/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A first guess at the image: argmin ||y - A x||^2/noise^2 + ||x - middle||^2/spread^2, where `middle' is the constant
 * image that fits the measurement best, and spread^2 the mean square that it leaves, as a part of what A passes of a
 * constant image, or of a random one if it passes no constant. */
#include "common/guess.h"
#include "common/vector.h"

#include <math.h>
#include <string.h>

/* For a photograph on the 0..1 scale, if the measurement does not determine it. */
static const double usual_middle = 0.5;
/* Of the power of a random image.  Where less of a constant one passes, this is rounding. */
static const double least_passed = 1e-10;
/* A noiseless measurement still needs a little damping where the operator is singular. */
static const double least_rho = 1e-4;

int guess_middle(const struct lacuna_host *host, const struct lacuna_problem *problem, float *x,
		 float *of_one, float *of_noise, double *middle, double *passed)
{
	static const uint64_t stream = UINT64_C(5) << 60; /* no sampler draws from it */
	const size_t nx = lacuna_count(&problem->x), ny = lacuna_count(&problem->y);
	double weight;
	int status;

	vector_fill(nx, 1, x);
	status = host->problem->apply(host, x, of_one);
	if (status)
		return status;
	host->gaussian(host, stream, 0, x, nx);
	status = host->problem->apply(host, x, of_noise);
	if (status)
		return status;
	*middle = usual_middle;
	*passed = vector_inner(host, ny, of_noise, of_noise);
	weight = vector_inner(host, ny, of_one, of_one);
	if (weight > least_passed * *passed) {
		*middle = vector_inner(host, ny, problem->measurement, of_one) / weight;
		*passed = weight;
	}
	return LACUNA_OK;
}

static int tikhonov(const struct lacuna_host *host, const struct lacuna_problem *problem, float *x)
{
	const size_t nx = lacuna_count(&problem->x), ny = lacuna_count(&problem->y);
	double middle, passed, left, rho;
	float *residual = host->alloc(host, ny * sizeof *residual);
	float *b = host->alloc(host, (nx > ny ? nx : ny) * sizeof *b), *probed = b;
	int status = LACUNA_ENOMEM;

	if (!residual || !b)
		goto out;
	status = guess_middle(host, problem, x, residual, probed, &middle, &passed);
	if (status)
		goto out;
	/* Leave out values that do not depend on the image (masked ones). Others may well be 0 for a constant image. */
	for (size_t i = 0; i < ny; i++)
		residual[i] = probed[i] != 0
				      ? (float)(problem->measurement[i] - middle * residual[i])
				      : 0;
	left = passed > 0 ? vector_inner(host, ny, residual, residual) / passed : 0;
	rho = left > 0 ? fmax(problem->noise * problem->noise / left, least_rho) : least_rho;
	status = host->problem->adjoint(host, NULL, residual, b);
	if (status)
		goto out;
	vector_fill(nx, 0, x);
	status = host->problem->solve(host, rho, b, x);
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
		vector_fill(n, (float)usual_middle, x);
		status = LACUNA_OK;
	}
	return status;
}
