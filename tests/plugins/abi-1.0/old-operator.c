/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* y = gain x */
#include <lacuna/plugin.h>

struct config {
	double gain;
};

struct scale {
	const struct lacuna_host *host;
	size_t count;
	float gain;
};

static int shape(const struct lacuna_host *host, const void *config, int from_y,
		 const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	(void)host, (void)config, (void)from_y;
	*wanted = *known;
	return LACUNA_OK;
}

static int create(const struct lacuna_host *host, const void *config, const struct lacuna_shape *x,
		  const struct lacuna_shape *y, void **self)
{
	const struct config *c = config;
	struct scale *s = host->alloc(host, sizeof(*s));

	(void)y;
	if (!s)
		return LACUNA_ENOMEM;
	s->host = host;
	s->count = lacuna_count(x);
	s->gain = (float)c->gain;
	*self = s;
	return LACUNA_OK;
}

static void destroy(void *self)
{
	struct scale *s = self;

	if (s)
		s->host->release(s->host, s);
}

static int apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct scale *s = self;

	(void)scratch;
	for (size_t i = 0; i < s->count; i++)
		y[i] = s->gain * x[i];
	return LACUNA_OK;
}

static int adjoint(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	(void)at;
	return apply(self, scratch, y, x);
}

static int spectral(const void *self, void *scratch, lacuna_gain *gain, const void *context,
		    const float *b, float *x)
{
	const struct scale *s = self;
	double g = gain((double)s->gain * s->gain, context);

	(void)scratch;
	for (size_t i = 0; i < s->count; i++)
		x[i] = (float)(g * b[i]);
	return LACUNA_OK;
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_REAL(struct config, gain, NULL, 0.1, 10, 2, "factor"),
};

static const struct lacuna_operator family = {
	.size = sizeof(family),
	.flags = LACUNA_LINEAR | LACUNA_PIXELWISE | LACUNA_PICTURE,
	.shape = shape,
	.create = create,
	.destroy = destroy,
	.apply = apply,
	.adjoint = adjoint,
	.spectral = spectral,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_OPERATOR),
	"old-operator",
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
