/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Operator "gamma": the tone curve of a power law, smooth at black,
 *
 *	f(x) = ((x + toe)^exponent - toe^exponent)/((1 + toe)^exponent - toe^exponent),	x >= 0,
 *
 * below 0 it continues as its tangent. f(0) = 0, f(1) = 1, and the slope is never 0 or infinite. */
#include <lacuna/plugin.h>

#include <math.h>

struct config {
	double exponent, toe;
};

struct curve {
	const struct lacuna_host *host;
	struct config config;
	double black, scale, slope; /* toe^exponent, 1/(f's denominator), f'(0) */
	size_t count;
};

static int shape(const struct lacuna_host *host, const void *config, int from_y,
		 const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	(void)host, (void)config, (void)from_y;
	*wanted = *known;
	return LACUNA_OK;
}

static double derivative(const struct curve *p, double x)
{
	const struct config *c = &p->config;

	return x > 0 ? p->scale * c->exponent * pow(x + c->toe, c->exponent - 1) : p->slope;
}

static double value(const struct curve *p, double x)
{
	const struct config *c = &p->config;

	return x > 0 ? p->scale * (pow(x + c->toe, c->exponent) - p->black) : p->slope * x;
}

static int create(const struct lacuna_host *host, const void *config, const struct lacuna_shape *x,
		  const struct lacuna_shape *y, void **self)
{
	struct curve *p = host->alloc(host, sizeof *p);

	(void)y;
	if (!p)
		return LACUNA_ENOMEM;
	p->host = host;
	p->config = *(const struct config *)config;
	p->count = lacuna_count(x);
	p->black = pow(p->config.toe, p->config.exponent);
	p->scale = 1 / (pow(1 + p->config.toe, p->config.exponent) - p->black);
	p->slope = p->scale * p->config.exponent * pow(p->config.toe, p->config.exponent - 1);
	*self = p;
	return LACUNA_OK;
}

static void destroy(void *self)
{
	struct curve *p = self;

	if (p)
		p->host->release(p->host, p);
}

static int apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct curve *p = self;

	(void)scratch;
	for (size_t i = 0; i < p->count; i++)
		y[i] = (float)value(p, x[i]);
	return LACUNA_OK;
}

static int adjoint(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	const struct curve *p = self;

	(void)scratch;
	for (size_t i = 0; i < p->count; i++)
		x[i] = (float)(derivative(p, at[i]) * y[i]);
	return LACUNA_OK;
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_REAL(struct config, exponent, NULL, 0.1, 10, 1 / 2.2,
			  "exponent: below 1 brightens, above 1 darkens"),
	LACUNA_PARAM_REAL(struct config, toe, NULL, 1e-4, 1, 0.01,
			  "width of the rounded part of the curve at black"),
};

static const struct lacuna_operator family = {
	.size = sizeof family,
	.flags = LACUNA_PIXELWISE | LACUNA_PICTURE,
	.shape = shape,
	.create = create,
	.destroy = destroy,
	.apply = apply,
	.adjoint = adjoint,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_OPERATOR),
	"gamma",
	"tone curve of a power law (not linear)",
	"A tone curve: the values of the scene are raised to a power, as in a camera that encodes "
	"pictures for a display. Put it after the operators that act on light: -A blur:... -A "
	"gamma is a blurred scene that was encoded afterwards. Without it a restoration is wrong "
	"at edges of high contrast.\nDo not use it for pictures whose values are proportional to "
	"light (raw data, astronomy, microscopy), or to change the look of a picture. It is not "
	"linear. Guidances prox and dps and the samplers hqs and restore-degrade work with it; "
	"most others refuse it.\nSource: IEC 61966-2-1 (sRGB) is such a curve with a linear part "
	"near black; here a single formula, rounded near black, replaces both parts.",
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
