/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A guidance's table, with NEEDS and RESERVED, in a plugin of kind KIND. */
#include <lacuna/plugin.h>

struct config {
	double strength;
	int64_t count;
};

static int create_guidance(const struct lacuna_host *host, const void *config,
			   const struct lacuna_problem *problem, void **self)
{
	(void)host, (void)config, (void)problem, (void)self;
	return LACUNA_OK;
}

static void destroy_guidance(void *self)
{
	(void)self;
}

static int estimate(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	(void)self, (void)scratch, (void)sigma, (void)u, (void)x0;
	return LACUNA_OK;
}

#ifndef KIND
#define KIND LACUNA_GUIDANCE
#endif
#ifndef NEEDS
#define NEEDS 0
#endif
#ifndef RESERVED
#define RESERVED 0
#endif

static const struct lacuna_guidance family = { .size = sizeof family,
					       .needs = NEEDS,
					       .reserved = RESERVED,
					       .create = create_guidance,
					       .destroy = destroy_guidance,
					       .estimate = estimate };

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(KIND),
	NAME,
	"a test",
	"For tests.",
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
