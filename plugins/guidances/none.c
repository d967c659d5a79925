/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* No guidance: E(u, sigma) = D(u, sigma).  The sampler then draws from the prior alone. */
#include <lacuna/plugin.h>

struct none {
	const struct lacuna_host *host;
};

static void destroy(void *self)
{
	struct none *p = self;

	if (p)
		p->host->release(p->host, p);
}

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	struct none *p = host->alloc(host, sizeof *p);

	(void)config;
	(void)problem;
	if (!p)
		return LACUNA_ENOMEM;
	p->host = host;
	*self = p;
	return LACUNA_OK;
}

static int estimate(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct none *p = self;

	(void)scratch;
	return p->host->prior->denoise(p->host, sigma, u, x0);
}

static const struct lacuna_guidance family = {
	.size = sizeof family,
	.create = create,
	.destroy = destroy,
	.estimate = estimate,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_GUIDANCE),
	"none",
	"ignores the measurement: samples of the prior",
	"The estimate is the prior's own, E(u, sigma) = D(u, sigma). Use it to see what a "
	"prior believes, or with start= to let the prior polish an image.\n\n"
	"Do not use it for restoration: nothing keeps the result near the measurement.",
	"1.0",
	"The Lacuna authors",
	"GPL-3.0-or-later",
	LACUNA_NO_PARAMS,
	&family,
};

const struct lacuna_plugin *lacuna_plugin_v1(void)
{
	return &plugin;
}
