/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Noise of falling level about the estimate, which is the result of the last step. */
#include <lacuna/plugin.h>

struct config {
	int64_t steps;
};

struct falling {
	const struct lacuna_host *host;
	size_t count;
	int64_t steps;
	float *noise, *estimate;
};

static void destroy(void *self)
{
	struct falling *f = self;

	if (!f)
		return;
	f->host->release(f->host, f->noise);
	f->host->release(f->host, f->estimate);
	f->host->release(f->host, f);
}

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	const struct config *c = config;
	struct falling *f = host->alloc(host, sizeof(*f));

	if (!f)
		return LACUNA_ENOMEM;
	f->host = host;
	f->count = lacuna_count(&problem->x);
	f->steps = c->steps;
	f->noise = host->alloc(host, f->count * sizeof(float));
	f->estimate = host->alloc(host, f->count * sizeof(float));
	if (!f->noise || !f->estimate) {
		destroy(f);
		return LACUNA_ENOMEM;
	}
	*self = f;
	return LACUNA_OK;
}

static int64_t steps(const void *self)
{
	return ((const struct falling *)self)->steps;
}

static double level(const struct falling *f, int64_t k)
{
	return (double)(f->steps - k) / (double)f->steps;
}

static int start(void *self, float *u)
{
	struct falling *f = self;

	f->host->gaussian(f->host, 0, 0, f->noise, f->count);
	for (size_t i = 0; i < f->count; i++)
		u[i] = 0.5f + f->noise[i];
	return LACUNA_OK;
}

static int step(void *self, int64_t k, float *u)
{
	struct falling *f = self;
	int status = f->host->guidance->estimate(f->host, level(f, k), u, f->estimate);

	if (status)
		return status;
	f->host->gaussian(f->host, (uint64_t)k + 1, 0, f->noise, f->count);
	for (size_t i = 0; i < f->count; i++)
		u[i] = f->estimate[i] + (float)level(f, k + 1) * f->noise[i];
	return k + 1 < f->steps ? LACUNA_OK : LACUNA_DONE;
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_INT(struct config, steps, NULL, 1, 1000, 8, "number of steps"),
};

static const struct lacuna_sampler family = {
	.size = sizeof(family),
	.needs = LACUNA_NEEDS_GUIDANCE,
	.create = create,
	.destroy = destroy,
	.steps = steps,
	.start = start,
	.step = step,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_SAMPLER),
	"old-sampler",
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
