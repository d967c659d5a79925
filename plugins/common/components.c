/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include "common/components.h"
#include "common/guess.h"
#include "common/vector.h"

#include <math.h>

double components_noise(double lambda, const struct components_level *l)
{
	return lambda > l->tolerance ? l->noise / sqrt(lambda) : INFINITY;
}

static double begin_measurement(double lambda, const void *context)
{
	const struct components_level *l = context;

	return components_noise(lambda, l) < l->s ? 1 / lambda : 0;
}

static double begin_fresh(double lambda, const void *context)
{
	const struct components_level *l = context;
	const double n = components_noise(lambda, l);

	return n < l->s ? sqrt(l->s * l->s - n * n) : l->s;
}

void components_destroy(void *self)
{
	struct components *p = self;

	if (!p)
		return;
	schedule_free(p->host, &p->schedule);
	p->host->release(p->host, p->range.pinv);
	p->host->release(p->host, p->residual);
	p->host->release(p->host, p->part);
	p->host->release(p->host, p->work);
	p->host->release(p->host, p->denoised);
	p->host->release(p->host, p);
}

int components_create(const struct lacuna_host *host, const struct schedule_config *config,
		      double floor, const struct lacuna_problem *problem, size_t bytes, void **self)
{
	struct components *p = host->alloc(host, bytes);
	int status = LACUNA_ENOMEM;

	if (!p)
		return status;
	p->host = host;
	p->problem = problem;
	p->config = *config;
	p->nx = lacuna_count(&problem->x);
	p->ny = lacuna_count(&problem->y);
	p->denoised = host->alloc(host, p->nx * sizeof *p->denoised);
	p->work = host->alloc(host, p->nx * sizeof *p->work);
	p->part = host->alloc(host, p->nx * sizeof *p->part);
	p->residual = host->alloc(host, p->ny * sizeof *p->residual);
	if (p->denoised && p->work && p->part && p->residual)
		status = schedule_create(host, config, &p->schedule);
	if (status == LACUNA_OK)
		status = range_create(host, problem, floor, INFINITY, &p->range);
	if (status)
		components_destroy(p);
	else
		*self = p;
	return status;
}

int64_t components_steps(const void *self)
{
	const struct components *p = self;

	return p->schedule.steps;
}

static struct components_level level(const struct components *p, double sigma, double s)
{
	return (struct components_level){ sigma, s, p->problem->noise, p->range.tolerance };
}

struct components_level components_level(const struct components *p, int64_t k)
{
	return level(p, p->schedule.sigma[k], p->schedule.sigma[k + 1]);
}

/* u += gain(A'A) (ybar - D) and fresh noise; s: the level that they lead to */
static int add_parts(const struct components *p, const struct components_gains *g,
		     const void *context, double s, uint64_t stream, float *u)
{
	const struct lacuna_host *host = p->host;
	int status = host->apply(host, p->denoised, p->residual);

	if (status)
		return status;
	vector_combine(host, p->ny, 1, p->problem->measurement, -1, p->residual, p->residual);
	status = host->adjoint(host, NULL, p->residual, p->work);
	if (status == LACUNA_OK)
		status = host->spectral(host, g->measurement, context, p->work, p->part);
	if (status)
		return status;
	vector_combine(host, p->nx, 1, u, 1, p->part, u);
	if (s == 0)
		return LACUNA_OK;
	vector_fill(p->nx, 0, p->work);
	vector_add_noise(host, p->nx, 1, stream, p->work);
	status = host->spectral(host, g->fresh, context, p->work, p->part);
	if (status == LACUNA_OK)
		vector_combine(host, p->nx, 1, u, 1, p->part, u);
	return status;
}

int components_start(void *self, float *u)
{
	static const struct components_gains gains = { NULL, begin_measurement, begin_fresh };
	static const uint64_t stream = UINT64_MAX; /* no step's */
	const struct components *p = self;
	const double sigma = p->schedule.sigma[0];
	const struct components_level l = level(p, sigma, sigma);
	int status = LACUNA_OK;

	if (p->config.from == SCHEDULE_FROM_NOISE)
		vector_fill(p->nx, 0, p->denoised);
	else
		status = guess_image(p->host, p->problem, p->denoised);
	if (status)
		return status;
	vector_combine(p->host, p->nx, 1, p->denoised, 0, p->denoised, u);
	return add_parts(p, &gains, &l, l.s, stream, u);
}

int components_step(const struct components *p, int64_t k, const struct components_gains *g,
		    const void *context, float *u)
{
	const struct lacuna_host *host = p->host;
	int status = host->denoise(host, p->schedule.sigma[k], u, p->denoised);

	if (status)
		return status;
	vector_combine(host, p->nx, 1, u, -1, p->denoised, p->work);
	status = host->spectral(host, g->state, context, p->work, p->part);
	if (status)
		return status;
	vector_combine(host, p->nx, 1, p->denoised, 1, p->part, u);
	return add_parts(p, g, context, p->schedule.sigma[k + 1], (uint64_t)k, u);
}
