/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* D + step A'(y - A D), a gradient step on the data from the denoised image. */
#include <lacuna/plugin.h>

struct config {
	double step;
};

struct gradient {
	const struct lacuna_host *host;
	const float *measurement;
	size_t x_count, y_count;
	float step;
};

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	const struct config *c = config;
	struct lacuna_prior_info info = { .size = sizeof(info) };
	struct gradient *g;
	int status = host->prior->info(host, &info);

	if (status)
		return status;
	g = host->alloc(host, sizeof(*g));
	if (!g)
		return LACUNA_ENOMEM;
	g->host = host;
	g->measurement = problem->measurement;
	g->x_count = lacuna_count(&problem->x);
	g->y_count = lacuna_count(&problem->y);
	g->step = (float)c->step;
	*self = g;
	return LACUNA_OK;
}

static void destroy(void *self)
{
	struct gradient *g = self;

	if (g)
		g->host->release(g->host, g);
}

/* The residual, then its adjoint at the next multiple of 64 bytes. */
static size_t residual_bytes(const struct gradient *g)
{
	return (g->y_count * sizeof(float) + 63) / 64 * 64;
}

static size_t scratch_bytes(const void *self)
{
	const struct gradient *g = self;

	return residual_bytes(g) + g->x_count * sizeof(float);
}

static int estimate(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct gradient *g = self;
	const struct lacuna_host *host = g->host;
	float *residual = scratch;
	float *back = (float *)(void *)((char *)scratch + residual_bytes(g));
	int status = host->prior->denoise(host, sigma, u, x0);

	if (!status)
		status = host->problem->apply(host, x0, residual);
	for (size_t i = 0; !status && i < g->y_count; i++)
		residual[i] = g->measurement[i] - residual[i];
	if (!status)
		status = host->problem->adjoint(host, NULL, residual, back);
	for (size_t i = 0; !status && i < g->x_count; i++)
		x0[i] += g->step * back[i];
	return status;
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_REAL(struct config, step, NULL, 0, 1, 0.5, "length of the step"),
};

static const struct lacuna_guidance family = {
	.size = sizeof(family),
	.needs = LACUNA_NEEDS_LINEAR,
	.create = create,
	.destroy = destroy,
	.scratch = scratch_bytes,
	.estimate = estimate,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_GUIDANCE),
	"old-guidance",
	"a test",
	"For tests.",
	"1.0",
	"The Lacuna authors",
	"GPL-3.0-or-later",
	LACUNA_PLUGIN_PARAMS(params, struct config),
	&family,
};

const struct lacuna_plugin *lacuna_plugin_v1(void)
{
	return &plugin;
}
