/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A prior with false flags.  GAUSSIAN: the function is bent, its mean moves with sigma, or it uses another sigma.  TRAINED:
 * it inverts the picture. */
#include <lacuna/plugin.h>

#include <math.h>

#ifndef NAME
#define NAME "not-gaussian"
#define FLAGS LACUNA_GAUSSIAN
#endif

enum { BENT, MOVES, SQUARED, NEGATIVE };

struct config {
	int64_t how;
};

struct plain {
	const struct lacuna_host *host;
	int64_t how;
	size_t count;
};

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	struct plain *p = host->alloc(host, sizeof(*p));

	if (!p)
		return LACUNA_ENOMEM;
	p->host = host;
	p->how = ((const struct config *)config)->how;
	p->count = lacuna_count(&problem->x);
	*self = p;
	return LACUNA_OK;
}

static void destroy(void *self)
{
	struct plain *p = self;

	if (p)
		p->host->release(p->host, p);
}

static void info(const void *self, struct lacuna_prior_info *i)
{
	(void)self;
	i->sigma_min = 1e-4;
	i->sigma_max = 1e4;
}

/* The posterior mean of N(1/2, 0.2^2) with one fault. */
static int denoise(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct plain *p = self;
	const double s2 = p->how == SQUARED ? sigma * sigma * sigma : sigma * sigma;
	const double w = 0.04 / (0.04 + s2), mean = p->how == MOVES ? 0.5 + sigma : 0.5;

	(void)scratch;
	for (size_t i = 0; i < p->count; i++) {
		const double x = w * u[i] + (1 - w) * mean;

		x0[i] = (float)(p->how == BENT	     ? x + 0.02 * sin(5 * x)
				: p->how == NEGATIVE ? 1 - 2 * x
						     : x);
	}
	return LACUNA_OK;
}

static const char *const hows[] = { "bent", "moves", "squared", "negative", NULL };

static const struct lacuna_param params[] = {
	LACUNA_PARAM_CHOICE(struct config, how, hows, BENT, "what is wrong"),
};

static const struct lacuna_prior family = {
	.size = sizeof(family),
	.flags = FLAGS,
	.create = create,
	.destroy = destroy,
	.info = info,
	.denoise = denoise,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_PRIOR),
	NAME,
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
