/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Operator "saturate": a sensor that saturates smoothly,
 *
 *	f(x) = x - width log(1 + exp((x - level)/width)),
 *
 * which is x well below `level' and `level' well above it. The slope is 1/(1 + exp((x - level)/width)). */
#include <lacuna/plugin.h>

#include <math.h>

struct config {
	double level, width;
};

struct curve {
	const struct lacuna_host *host;
	struct config config;
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
	return 1 / (1 + exp((x - p->config.level) / p->config.width));
}

static double value(const struct curve *p, double x)
{
	const double t = (x - p->config.level) / p->config.width;

	/* log(1 + e^t), without overflow */
	return x - p->config.width * (fmax(t, 0) + log1p(exp(-fabs(t))));
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
	LACUNA_PARAM_REAL(struct config, level, NULL, -10, 10, 0.9, "level of saturation"),
	LACUNA_PARAM_REAL(struct config, width, NULL, 1e-3, 1, 0.02,
			  "softness: half the width of the transition"),
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
	"saturate",
	"values that saturate smoothly at a level (not linear)",
	"Bright parts of the scene fill the sensor. They are recorded at nearly the same level, "
	"however bright they are. Use it for blurred pictures with saturated lights (-A blur:... "
	"-A saturate): without it they ring.\nDo not use it for values that are clipped sharply at "
	"a known level: mask them instead (mask:value=). The brightness of what was far above the "
	"level is lost; only the prior says what it was. It is not linear. Guidances prox and dps "
	"and the samplers hqs and restore-degrade work with it; most others refuse it.\nSource: "
	"Whyte, Sivic, Zisserman, Deblurring Shaken and Partially Saturated Images, IJCV 2014, "
	"equation 9 (the same smooth response).",
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
