/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A prior that claims to be symmetric but distinguishes horizontal from vertical (its mean is brighter at the left and right
 * than between) or left from right (brighter at the right). */
#include <lacuna/plugin.h>

#include <math.h>

struct config {
	int64_t right;
};

struct valley {
	const struct lacuna_host *host;
	int64_t width, right;
	size_t count;
};

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	const struct config *c = config;
	struct valley *p = host->alloc(host, sizeof *p);

	if (!p)
		return LACUNA_ENOMEM;
	p->host = host;
	p->width = problem->x.extent[0];
	p->right = c->right;
	p->count = lacuna_count(&problem->x);
	*self = p;
	return LACUNA_OK;
}

static void destroy(void *self)
{
	struct valley *p = self;

	if (p)
		p->host->release(p->host, p);
}

static void info(const void *self, struct lacuna_prior_info *i)
{
	(void)self;
	i->sigma_min = 1e-4;
	i->sigma_max = 1e4;
	i->symmetric = 1;
}

static int denoise(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct valley *p = self;
	const double w = 1 / (1 + 16 * sigma * sigma);

	(void)scratch;
	for (size_t i = 0; i < p->count; i++) {
		const double across = ((double)((int64_t)i % p->width) + 0.5) / (double)p->width;
		const double mean = p->right ? across : 2 * fabs(across - 0.5);

		x0[i] = (float)(w * u[i] + (1 - w) * mean);
	}
	return LACUNA_OK;
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_BOOL(struct config, right, 0, "brighter on the right alone"),
};

static const struct lacuna_prior family = {
	.size = sizeof family,
	.create = create,
	.destroy = destroy,
	.info = info,
	.denoise = denoise,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_PRIOR),
	"not-symmetric",
	"for a test",
	"For a test.",
	"1",
	"The Lacuna authors",
	"GPL-3.0-or-later",
	LACUNA_PLUGIN_PARAMS(params, struct config),
	&family,
};

const struct lacuna_plugin *lacuna_plugin_v1(void)
{
	return &plugin;
}
