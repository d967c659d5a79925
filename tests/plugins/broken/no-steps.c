/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A sampler that takes no steps. */
#include <lacuna/plugin.h>

#include <string.h>

struct plain {
	const struct lacuna_host *host;
	size_t count;
};

static int create(const struct lacuna_host *host, const void *config,
		  const struct lacuna_problem *problem, void **self)
{
	struct plain *p = host->alloc(host, sizeof *p);

	(void)config;
	if (!p)
		return LACUNA_ENOMEM;
	p->host = host;
	p->count = lacuna_count(&problem->x);
	*self = p;
	return LACUNA_OK;
}

#ifndef CREATE
#define CREATE create
#else
static int CREATE(const struct lacuna_host *, const void *, const struct lacuna_problem *, void **);
#endif

static void destroy(void *self)
{
	struct plain *p = self;

	if (p)
		p->host->release(p->host, p);
}

#ifndef STEPS
#define NAME "no-steps"
#define STEPS 0
#endif

static int64_t steps(const void *self)
{
	(void)self;
	return STEPS;
}

static int start(void *self, float *u)
{
	const struct plain *p = self;

	memset(u, 0, p->count * sizeof *u);
	return LACUNA_OK;
}

#ifndef STEP
#define STEP step
static int step(void *self, int64_t k, float *u)
{
	(void)k;
	return start(self, u);
}
#else
static int STEP(void *self, int64_t k, float *u);
#endif

static const struct lacuna_sampler family = {
	.size = sizeof family,
	.create = CREATE,
	.destroy = destroy,
	.steps = steps,
	.start = start,
	.step = STEP,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_SAMPLER),
	NAME,
	"for a test",
	"For a test.",
	"1",
	"The Lacuna authors",
	"GPL-3.0-or-later",
	LACUNA_NO_PARAMS,
	&family,
};

const struct lacuna_plugin *lacuna_plugin_v1(void)
{
	return &plugin;
}
