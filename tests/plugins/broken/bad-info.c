/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A prior whose info() returns impossible values. */
#include <lacuna/plugin.h>

#include <math.h>
#include <string.h>

struct config {
	int64_t how;
};

static const char *const choices[] = { "channels", "nan", "order", NULL };
enum { CHANNELS, NOT_A_NUMBER, ORDER };

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
	const struct plain *p = self;

	i->channels = p->how == CHANNELS ? -1 : 0;
	i->sigma_min = 1e-4;
	i->sigma_max = p->how == NOT_A_NUMBER ? (double)NAN : p->how == ORDER ? 1e-5 : 1e4;
}

static int denoise(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct plain *p = self;

	(void)scratch, (void)sigma;
	memcpy(x0, u, p->count * sizeof(*x0));
	return LACUNA_OK;
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_CHOICE(struct config, how, choices, CHANNELS, "what is wrong"),
};

static const struct lacuna_prior family = {
	.size = sizeof(family),
	.create = create,
	.destroy = destroy,
	.info = info,
	.denoise = denoise,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_PRIOR),
	"bad-info",
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
