/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Correct: sums of a square image along lines at twelve angles.  The shape of x does not follow from that of y. */
#define NAME "radon"
#define FLAGS LACUNA_LINEAR
#define SHAPE sinogram
#define CREATE create_lines
#define APPLY project
#define ADJOINT project_back
#include "good.h"
#include <math.h>

enum { ANGLES = 12 };

struct lines {
	struct half half; /* must be first, for destroy() */
	size_t side, bins;
};

static int sinogram(const struct lacuna_host *host, const void *config, int from_y,
		    const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	(void)config;
	if (from_y)
		return host->fail(host, LACUNA_EUNSUPPORTED, "say the size of the image");
	if (known->extent[0] != known->extent[1] || known->extent[2] * known->extent[3] != 1)
		return host->fail(host, LACUNA_EINVAL, "the image is not square");
	*wanted = *known;
	wanted->extent[0] = 2 * known->extent[0];
	wanted->extent[1] = ANGLES;
	return LACUNA_OK;
}

static int create_lines(const struct lacuna_host *host, const void *config,
			const struct lacuna_shape *x, const struct lacuna_shape *y, void **self)
{
	struct lines *l = host->alloc(host, sizeof *l);

	(void)config;
	if (!l)
		return LACUNA_ENOMEM;
	l->half.host = host;
	l->side = (size_t)x->extent[0];
	l->bins = (size_t)y->extent[0];
	*self = l;
	return LACUNA_OK;
}

/* The index in y of the line through a pixel. */
static size_t line_of(const struct lines *l, size_t angle, size_t i, size_t j)
{
	const double theta = 3.141592653589793 * (double)angle / ANGLES;
	const double middle = ((double)l->side - 1) / 2;
	const double s = ((double)i - middle) * cos(theta) + ((double)j - middle) * sin(theta);
	const long bin = (long)floor(s + (double)l->bins / 2);

	return angle * l->bins + (size_t)(bin < 0 ? 0 : bin);
}

static int project(const void *self, void *scratch, const float *x, float *y)
{
	const struct lines *l = self;
	size_t i, j, a;

	(void)scratch;
	memset(y, 0, l->bins * ANGLES * sizeof *y);
	for (a = 0; a < ANGLES; a++)
		for (j = 0; j < l->side; j++)
			for (i = 0; i < l->side; i++)
				y[line_of(l, a, i, j)] += x[j * l->side + i];
	return LACUNA_OK;
}

static int project_back(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	const struct lines *l = self;
	size_t i, j, a;

	(void)scratch, (void)at;
	memset(x, 0, l->side * l->side * sizeof *x);
	for (a = 0; a < ANGLES; a++)
		for (j = 0; j < l->side; j++)
			for (i = 0; i < l->side; i++)
				x[j * l->side + i] += y[line_of(l, a, i, j)];
	return LACUNA_OK;
}
