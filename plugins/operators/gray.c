/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Operator "gray": y = w . x, the luminance of each pixel's three channels.  A'A = w w' in each pixel, with the
 * eigenvalues |w|^2 (for w / |w|) and 0 (twice). */
#include <lacuna/plugin.h>

struct config {
	double red, green, blue;
};

struct gray {
	const struct lacuna_host *host;
	size_t plane, frames;
	float weight[3];
};

static int shape(const struct lacuna_host *host, const void *config, int from_y,
		 const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	(void)config;
	if (known->extent[2] != (from_y ? 1 : 3))
		return host->fail(
			host, LACUNA_EINVAL,
			from_y ? "the measurement has %lld channels; give a picture with one, "
				 "which becomes RGB"
			       : "the image has %lld channels; give an RGB image (3 channels)",
			(long long)known->extent[2]);
	*wanted = *known;
	wanted->extent[2] = from_y ? 3 : 1;
	return LACUNA_OK;
}

static int create(const struct lacuna_host *host, const void *config, const struct lacuna_shape *x,
		  const struct lacuna_shape *y, void **self)
{
	const struct config *c = config;
	struct gray *g;

	(void)y;
	if (c->red + c->green + c->blue <= 0)
		return host->fail(host, LACUNA_EINVAL,
				  "red, green and blue are all 0; give one a weight");
	g = host->alloc(host, sizeof *g);
	if (!g)
		return LACUNA_ENOMEM;
	g->host = host;
	g->plane = (size_t)(x->extent[0] * x->extent[1]);
	g->frames = (size_t)x->extent[3];
	g->weight[0] = (float)c->red;
	g->weight[1] = (float)c->green;
	g->weight[2] = (float)c->blue;
	*self = g;
	return LACUNA_OK;
}

static void destroy(void *self)
{
	struct gray *g = self;

	if (g)
		g->host->release(g->host, g);
}

static int apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct gray *g = self;
	const float *w = g->weight;
	size_t n = g->plane;

	(void)scratch;
	for (size_t t = 0; t < g->frames; t++, x += 3 * n, y += n)
		for (size_t i = 0; i < n; i++)
			y[i] = w[0] * x[i] + w[1] * x[n + i] + w[2] * x[2 * n + i];
	return LACUNA_OK;
}

static int adjoint(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	const struct gray *g = self;
	const float *w = g->weight;
	size_t n = g->plane;

	(void)scratch, (void)at;
	for (size_t t = 0; t < g->frames; t++, x += 3 * n, y += n)
		for (size_t c = 0; c < 3; c++)
			for (size_t i = 0; i < n; i++)
				x[c * n + i] = w[c] * y[i];
	return LACUNA_OK;
}

/* gain(w w') b = gain(0) b + (gain(|w|^2) - gain(0)) w (w.b) / |w|^2 */
static int spectral(const void *self, void *scratch, lacuna_gain *gain, const void *context,
		    const float *b, float *x)
{
	const struct gray *g = self;
	const float *w = g->weight;
	const double square = (double)w[0] * w[0] + (double)w[1] * w[1] + (double)w[2] * w[2];
	const double null = gain(0, context);
	const double range = (gain(square, context) - null) / square;
	size_t n = g->plane;

	(void)scratch;
	for (size_t t = 0; t < g->frames; t++, b += 3 * n, x += 3 * n)
		for (size_t i = 0; i < n; i++) {
			double y = (double)w[0] * b[i] + (double)w[1] * b[n + i] +
				   (double)w[2] * b[2 * n + i];

			for (size_t c = 0; c < 3; c++)
				x[c * n + i] = (float)(null * b[c * n + i] + range * w[c] * y);
		}
	return LACUNA_OK;
}

/* A window of y needs all three channels of x. */
static int window(const void *self, const struct lacuna_region *in_y, struct lacuna_region *in_x)
{
	(void)self;
	*in_x = *in_y;
	in_x->extent[2] = 3;
	return LACUNA_OK;
}

static const struct lacuna_param params[] = {
	LACUNA_PARAM_REAL(struct config, red, NULL, 0, 1, 0.299, "weight of the red channel"),
	LACUNA_PARAM_REAL(struct config, green, NULL, 0, 1, 0.587, "weight of the green channel"),
	LACUNA_PARAM_REAL(struct config, blue, NULL, 0, 1, 0.114, "weight of the blue channel"),
};

static const char manual[] =
	"Turns RGB into gray: y = red R + green G + blue B in each pixel.  Restoring a gray "
	"picture with it gives a colour picture of the same luminance (colourisation).  You can "
	"trust the luminance, but not the colours: they are invented, and a warning says so.  With "
	"the priors that ship they come in patches, often of one or two hues.  A gray picture may "
	"be the better result.\n\n"
	"Use it with a prior of colour photographs.  A prior of gray pictures works on each "
	"channel alone, so it cannot know colours and leaves the picture gray.  Samples differ in "
	"colour: look at several (--samples).\n\n"
	"The default weights are those of ITU-R BT.601, which JPEG files use; for BT.709 use "
	"red=0.2126,green=0.7152,blue=0.0722.\n\n"
	"Source: ITU-R BT.601-7, section 2.5.1; A'A = w w' has rank one in each pixel, so "
	"gain(A'A) b = gain(0) b + (gain(|w|^2) - gain(0)) w (w.b) / |w|^2.";

static const struct lacuna_operator family = {
	.size = sizeof family,
	.flags = LACUNA_LINEAR | LACUNA_PICTURE | LACUNA_COLORLESS,
	.shape = shape,
	.create = create,
	.destroy = destroy,
	.apply = apply,
	.adjoint = adjoint,
	.spectral = spectral,
	.window = window,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_OPERATOR),
	"gray",
	"luminance of a colour image (colourisation)",
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
