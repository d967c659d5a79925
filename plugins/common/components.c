/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include "common/components.h"
#include "common/guess.h"
#include "common/range.h"
#include "common/vector.h"

#include <math.h>
#include <string.h>

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
	p->levels.host->release(p->levels.host, p->residual);
	p->levels.host->release(p->levels.host, p->part);
	p->levels.host->release(p->levels.host, p->work);
	levels_destroy(p);
}

int components_create(const struct lacuna_host *host, const struct schedule_config *config,
		      double floor, const struct lacuna_problem *problem, size_t bytes, void **self)
{
	struct components *p;
	void *made;
	int status = levels_create(host, config, problem, bytes, &made);

	if (status)
		return status;
	p = made;
	p->ny = lacuna_count(&problem->y);
	p->work = host->alloc(host, p->levels.n * sizeof *p->work);
	p->part = host->alloc(host, p->levels.n * sizeof *p->part);
	p->residual = host->alloc(host, p->ny * sizeof *p->residual);
	if (!p->work || !p->part || !p->residual)
		status = LACUNA_ENOMEM;
	if (!status)
		status = range_tolerance(host, problem, floor, INFINITY, &p->tolerance);
	if (status)
		components_destroy(p);
	else
		*self = p;
	return status;
}

static struct components_level level(const struct components *p, double sigma, double s)
{
	return (struct components_level){ sigma, s, p->levels.problem->noise, p->tolerance };
}

struct components_level components_level(const struct components *p, int64_t k)
{
	return level(p, p->levels.schedule.sigma[k], p->levels.schedule.sigma[k + 1]);
}

/* u += measurement(A'A) (ybar - D) + fresh(A'A) z; s is the level after the step */
static int add_parts(const struct components *p, const struct components_gains *g,
		     const void *context, double s, uint64_t stream, float *u)
{
	const struct levels *l = &p->levels;
	const struct lacuna_host *host = l->host;
	int status = host->problem->apply(host, l->estimate, p->residual);

	if (status)
		return status;
	vector_combine(host, p->ny, 1, l->problem->measurement, -1, p->residual, p->residual);
	status = host->problem->adjoint(host, NULL, p->residual, p->work);
	if (!status)
		status = host->problem->spectral(host, g->measurement, context, p->work, p->part);
	if (status)
		return status;
	vector_combine(host, l->n, 1, u, 1, p->part, u);
	if (s == 0)
		return LACUNA_OK;
	vector_fill(l->n, 0, p->work);
	vector_add_noise(host, l->n, 1, stream, p->work);
	status = host->problem->spectral(host, g->fresh, context, p->work, p->part);
	if (!status)
		vector_combine(host, l->n, 1, u, 1, p->part, u);
	return status;
}

int components_start(void *self, float *u)
{
	static const struct components_gains gains = { NULL, begin_measurement, begin_fresh };
	static const uint64_t stream = UINT64_MAX; /* not used by any step */
	const struct components *p = self;
	const struct levels *l = &p->levels;
	const struct components_level top = level(p, l->schedule.sigma[0], l->schedule.sigma[0]);
	int status = LACUNA_OK;

	if (l->config.from == SCHEDULE_FROM_NOISE)
		vector_fill(l->n, 0, l->estimate);
	else
		status = guess_image(l->host, l->problem, l->estimate);
	if (status)
		return status;
	memcpy(u, l->estimate, l->n * sizeof *u);
	return add_parts(p, &gains, &top, top.s, stream, u);
}

int components_step(const struct components *p, int64_t k, const struct components_gains *g,
		    const void *context, float *u)
{
	const struct levels *l = &p->levels;
	const struct lacuna_host *host = l->host;
	int status = host->prior->denoise(host, l->schedule.sigma[k], u, l->estimate);

	if (status)
		return status;
	vector_combine(host, l->n, 1, u, -1, l->estimate, p->work);
	status = host->problem->spectral(host, g->state, context, p->work, p->part);
	if (status)
		return status;
	vector_combine(host, l->n, 1, l->estimate, 1, p->part, u);
	return add_parts(p, g, context, l->schedule.sigma[k + 1], (uint64_t)k, u);
}
