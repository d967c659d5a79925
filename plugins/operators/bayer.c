/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Operator "bayer": a sensor behind a mosaic of colour filters. Pixel i sees one of three colours, c(i):
 * y[i] = x_c(i)[i] / gain_c(i). */
#include <lacuna/plugin.h>

enum { RGGB, BGGR, GRBG, GBRG };

struct config {
	int64_t pattern;
	double red, green, blue;
};

struct bayer {
	const struct lacuna_host *host;
	size_t width, height, frames;
	int colour[2][2]; /* at row and column modulo 2 */
	double weight[3]; /* 1 / gain */
};

static int shape(const struct lacuna_host *host, const void *config, int from_y,
		 const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	const int64_t channels = known->extent[2];

	(void)config;
	if (channels != (from_y ? 1 : 3))
		return host->fail(host, LACUNA_EINVAL,
				  from_y ? "the raw picture has %lld channels; it must have one"
					 : "the picture has %lld channels; it must have three: "
					   "red, green and blue",
				  (long long)channels);
	*wanted = *known;
	wanted->extent[2] = from_y ? 3 : 1;
	return LACUNA_OK;
}

static int create(const struct lacuna_host *host, const void *config, const struct lacuna_shape *x,
		  const struct lacuna_shape *y, void **self)
{
	static const int patterns[][2][2] = {
		[RGGB] = { { 0, 1 }, { 1, 2 } },
		[BGGR] = { { 2, 1 }, { 1, 0 } },
		[GRBG] = { { 1, 0 }, { 2, 1 } },
		[GBRG] = { { 1, 2 }, { 0, 1 } },
	};
	const struct config *c = config;
	struct bayer *b = host->alloc(host, sizeof *b);

	(void)y;
	if (!b)
		return LACUNA_ENOMEM;
	b->host = host;
	b->width = (size_t)x->extent[0];
	b->height = (size_t)x->extent[1];
	b->frames = (size_t)x->extent[3];
	for (int i = 0; i < 4; i++)
		b->colour[i / 2][i % 2] = patterns[c->pattern][i / 2][i % 2];
	b->weight[0] = 1 / c->red;
	b->weight[1] = 1 / c->green;
	b->weight[2] = 1 / c->blue;
	*self = b;
	return LACUNA_OK;
}

static void destroy(void *self)
{
	struct bayer *b = self;

	if (b)
		b->host->release(b->host, b);
}

static int apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct bayer *b = self;
	const size_t n = b->width * b->height;

	(void)scratch;
	for (size_t t = 0; t < b->frames; t++, x += 3 * n, y += n)
		for (size_t j = 0; j < b->height; j++)
			for (size_t i = 0; i < b->width; i++) {
				const int c = b->colour[j % 2][i % 2];
				const size_t at = j * b->width + i;

				y[at] = (float)(b->weight[c] * x[(size_t)c * n + at]);
			}
	return LACUNA_OK;
}

static int adjoint(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	const struct bayer *b = self;
	const size_t n = b->width * b->height;

	(void)scratch, (void)at;
	for (size_t t = 0; t < b->frames; t++, x += 3 * n, y += n)
		for (int c = 0; c < 3; c++)
			for (size_t j = 0; j < b->height; j++)
				for (size_t i = 0; i < b->width; i++) {
					const size_t k = j * b->width + i;

					x[(size_t)c * n + k] =
						c == b->colour[j % 2][i % 2]
							? (float)(b->weight[c] * y[k])
							: 0;
				}
	return LACUNA_OK;
}

static int diagonal(const void *self, float *d)
{
	const struct bayer *b = self;
	const size_t n = b->width * b->height;

	for (size_t t = 0; t < b->frames; t++, d += 3 * n)
		for (int c = 0; c < 3; c++)
			for (size_t j = 0; j < b->height; j++)
				for (size_t i = 0; i < b->width; i++)
					d[(size_t)c * n + j * b->width + i] =
						c == b->colour[j % 2][i % 2]
							? (float)(b->weight[c] * b->weight[c])
							: 0;
	return LACUNA_OK;
}

/* ---- the plugin's description -------------------------------------------------------------------------- */

static const char *const patterns[] = { "rggb", "bggr", "grbg", "gbrg", NULL };

static const struct lacuna_param params[] = {
	LACUNA_PARAM_CHOICE(struct config, pattern, patterns, RGGB,
			    "colours of the first two pixels of the first two rows"),
	LACUNA_PARAM_REAL(struct config, red, NULL, 0.01, 100, 1,
			  "white balance: red of the picture divided by red of the sensor"),
	LACUNA_PARAM_REAL(struct config, green, NULL, 0.01, 100, 1, "the same for green"),
	LACUNA_PARAM_REAL(struct config, blue, NULL, 0.01, 100, 1, "the same for blue"),
};

static const char manual[] =
	"Keeps one of three colours at each pixel, as a sensor with a Bayer mosaic does.  With "
	"pattern=rggb, rows alternate between red, green, red, green ... and green, blue, green, "
	"blue ...  Restoring with it is demosaicking and denoising in one step.\n\n"
	"Use it for raw pictures: one channel, black level subtracted, without white balance.  Set "
	"red and blue to the gains of the camera's white balance (green=1).  -n states the noise "
	"of the sensor's values, so a colour with a large gain is noisier in the picture.  Do not "
	"use it for sensors with another mosaic: combine mask and gray, or write an operator.\n\n"
	"Source: Bayer, US patent 3971065 (1976).  A'A is diagonal, so every spectral function is "
	"a gain per pixel and colour.";

static const struct lacuna_operator family = {
	.size = sizeof family,
	.flags = LACUNA_LINEAR | LACUNA_PIXELWISE | LACUNA_PICTURE | LACUNA_PARTIAL,
	.shape = shape,
	.create = create,
	.destroy = destroy,
	.apply = apply,
	.adjoint = adjoint,
	.diagonal = diagonal,
};

static const struct lacuna_plugin plugin = {
	LACUNA_PLUGIN_HEAD(LACUNA_OPERATOR),
	"bayer",
	"one colour at each pixel (raw pictures)",
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
