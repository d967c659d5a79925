/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Each value is N(1/2, spread^2). */
#include <lacuna/plugin.h>

struct config {
	double spread;
};

struct normal {
	const struct lacuna_host *host;
	size_t count;
	double variance;
};

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	const struct config *c = config;
	struct normal *p = host->alloc(host, sizeof(*p));

	if (!p)
		return LACUNA_ENOMEM;
	p->host = host;
	p->count = lacuna_count(&problem->x);
	p->variance = c->spread * c->spread;
	*self = p;
	return LACUNA_OK;
}

static void destroy(void *self)
{
	struct normal *p = self;

	if (p)
		p->host->release(p->host, p);
}

static void info(const void *self, struct lacuna_prior_info *i)
{
	(void)self;
	i->channels = 0;
	i->blind = 0;
	i->sigma_min = 1e-4;
	i->sigma_max = 1e4;
}

static float mean(const struct normal *p, double sigma, float u)
{
	double w = p->variance / (p->variance + sigma * sigma);

	return (float)(w * u + (1 - w) * 0.5);
}

static int denoise(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct normal *p = self;

	(void)scratch;
	for (size_t i = 0; i < p->count; i++)
		x0[i] = mean(p, sigma, u[i]);
	return LACUNA_OK;
}

static int denoise_map(const void *self, void *scratch, const float *sigma, const float *u,
		       float *x0)
{
	const struct normal *p = self;

	(void)scratch;
	for (size_t i = 0; i < p->count; i++)
		x0[i] = mean(p, sigma[i], u[i]);
	return LACUNA_OK;
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_REAL(struct config, spread, NULL, 0.01, 1, 0.25, "standard deviation"),
};

static const struct lacuna_prior family = {
	.size = sizeof(family),
	.create = create,
	.destroy = destroy,
	.info = info,
	.denoise = denoise,
	.denoise_map = denoise_map,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_PRIOR),
	"old-prior",
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
