/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* y = strength x.  fit() is right (count=0), finds what explains y worse (1), a value out of range (2), changes a parameter that
 * is not free (3) or the instance (4). */
#include <lacuna/fit.h>
#define NAME "wrong-fit"
#define APPLY multiply
#define ADJOINT multiply_back
#define CREATE create_gain
#define OPTIONAL .extension = extension,
static lacuna_extension extension;
#include "good.h"

struct gain {
	struct half half; /* must be first: destroy() knows it */
	double strength;
};

static double drift;

static int create_gain(const struct lacuna_host *host, const void *config,
		       const struct lacuna_shape *x, const struct lacuna_shape *y, void **self)
{
	struct gain *g = host->alloc(host, sizeof *g);

	(void)y;
	if (!g)
		return LACUNA_ENOMEM;
	drift = 1;
	g->half.host = host;
	g->half.count = lacuna_count(x);
	g->strength = ((const struct config *)config)->strength;
	*self = g;
	return LACUNA_OK;
}

static int multiply(const void *self, void *scratch, const float *x, float *y)
{
	const struct gain *g = self;
	size_t i;

	(void)scratch;
	for (i = 0; i < g->half.count; i++)
		y[i] = (float)(drift * g->strength * x[i]);
	return LACUNA_OK;
}

static int multiply_back(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	(void)at;
	return multiply(self, scratch, y, x);
}

static int is_free(const void *config, const char *parameter)
{
	(void)config;
	return !strcmp(parameter, "strength");
}

static int fit(const void *self, const float *x, const float *y, double noise, void *config)
{
	const struct gain *g = self;
	struct config *c = config;
	double xx = 0, xy = 0;
	size_t i;

	(void)noise;
	if (!x)
		return g->half.host->fail(g->half.host, LACUNA_EUNSUPPORTED,
					  "y alone does not tell a gain");
	for (i = 0; i < g->half.count; i++) {
		xx += (double)x[i] * x[i];
		xy += (double)x[i] * y[i];
	}
	c->strength = c->count == 1 ? 0.9 : c->count == 2 ? 2 : xy / xx;
	if (c->count == 4)
		drift = 1.5;
	if (c->count == 3)
		c->count = 5;
	return LACUNA_OK;
}

static const void *extension(const char *name)
{
	static const struct lacuna_operator_fit fitting = { is_free, fit };

	return strcmp(name, LACUNA_FIT) ? NULL : &fitting;
}
