/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The Walsh-Hadamard transform of images whose size is a power of two: correct, or with a wrong adjoint. */
#include <lacuna/plugin.h>

struct config;
extern const struct lacuna_param faults[1];
#define NAME "hadamard"
#define FLAGS LACUNA_LINEAR
#define ROWS faults
#define SHAPE powers
#define CREATE create_transform
#define APPLY transform
#define ADJOINT transform_back
#include "good.h"
#include <math.h>

static const char *const choices[] = { "none", "scale", "shift", NULL };
enum { NONE, SCALE, SHIFT };

const struct lacuna_param faults[1] = {
	{ "fault", NULL, "of the adjoint", LACUNA_CHOICE, 0, 0, 0, 0, NULL, choices,
	  offsetof(struct config, count) },
};

static int64_t fault;

static int powers(const struct lacuna_host *host, const void *config, int from_y,
		  const struct lacuna_shape *known, struct lacuna_shape *wanted)
{
	const size_t count = lacuna_count(known);

	(void)config, (void)from_y;
	if (count & (count - 1))
		return host->fail(host, LACUNA_EINVAL, "%zu is no power of two", count);
	*wanted = *known;
	return LACUNA_OK;
}

static int create_transform(const struct lacuna_host *host, const void *config,
			    const struct lacuna_shape *x, const struct lacuna_shape *y, void **self)
{
	struct half *h = host->alloc(host, sizeof *h);

	(void)y;
	if (!h)
		return LACUNA_ENOMEM;
	fault = ((const struct config *)config)->count;
	h->host = host;
	h->count = lacuna_count(x);
	*self = h;
	return LACUNA_OK;
}

static void butterflies(size_t n, float *v, double scale)
{
	size_t half, i, j;

	for (half = 1; half < n; half *= 2)
		for (i = 0; i < n; i += 2 * half)
			for (j = i; j < i + half; j++) {
				const float a = v[j], b = v[j + half];

				v[j] = a + b;
				v[j + half] = a - b;
			}
	for (i = 0; i < n; i++)
		v[i] = (float)(v[i] * scale);
}

static int transform(const void *self, void *scratch, const float *x, float *y)
{
	const struct half *h = self;

	(void)scratch;
	memcpy(y, x, h->count * sizeof *y);
	butterflies(h->count, y, 1 / sqrt((double)h->count));
	return LACUNA_OK;
}

static int transform_back(const void *self, void *scratch, const float *at, const float *y,
			  float *x)
{
	const struct half *h = self;
	size_t i, n = h->count;

	(void)scratch, (void)at;
	for (i = 0; i < n; i++)
		x[i] = y[fault == SHIFT ? (i + 1) % n : i];
	butterflies(n, x, 1 / (fault == SCALE ? (double)n : sqrt((double)n)));
	return LACUNA_OK;
}
