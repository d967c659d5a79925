/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Operator "identity": y = gain x. Restoring with it is denoising. */
#include <lacuna/plugin.h>

struct config {
	double gain;
};

struct identity {
	const struct lacuna_host *host;
	size_t count;
	double gain;
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
	struct identity *p = host->alloc(host, sizeof *p);

	(void)y;
	if (!p)
		return LACUNA_ENOMEM;
	p->host = host;
	p->count = lacuna_count(x);
	p->gain = c->gain;
	*self = p;
	return LACUNA_OK;
}

static void destroy(void *self)
{
	struct identity *p = self;

	if (p)
		p->host->release(p->host, p);
}

static int apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct identity *p = self;

	(void)scratch;
	for (size_t i = 0; i < p->count; i++)
		y[i] = (float)(p->gain * x[i]);
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
	const struct identity *p = self;
	const double g = gain(p->gain * p->gain, context);

	(void)scratch;
	for (size_t i = 0; i < p->count; i++)
		x[i] = (float)(g * b[i]);
	return LACUNA_OK;
}

static int diagonal(const void *self, float *d)
{
	const struct identity *p = self;

	for (size_t i = 0; i < p->count; i++)
		d[i] = (float)(p->gain * p->gain);
	return LACUNA_OK;
}

static const char manual[] =
	"y = gain x.  The picture has noise and no other degradation.  Use it to remove noise.  Do "
	"not use it for pictures that are also blurred or of low resolution: only the noise would "
	"be removed.\n\n"
	"gain is the exposure.  A picture that received half the light has gain 0.5.\n\n"
	"Source: all eigenvalues of A'A are gain^2.";

static const struct lacuna_param params[] = {
	LACUNA_PARAM_REAL(struct config, gain, NULL, 1e-6, 1e6, 1, "y = gain x"),
};

static const struct lacuna_operator family = {
	.size = sizeof family,
	.flags = LACUNA_LINEAR | LACUNA_PIXELWISE | LACUNA_PICTURE,
	.shape = shape,
	.create = create,
	.destroy = destroy,
	.apply = apply,
	.adjoint = adjoint,
	.spectral = spectral,
	.diagonal = diagonal,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_OPERATOR),
	"identity",
	"noise only (denoising)",
	manual,
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
