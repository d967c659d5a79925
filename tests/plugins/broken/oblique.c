/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A projection that is not orthogonal: the second value of each pair is added to the first and forgotten. */
#define NAME "oblique"
#define FLAGS (LACUNA_LINEAR | LACUNA_PROJECTION)
#define APPLY merge
#define ADJOINT spread
#include "good.h"

static int merge(const void *self, void *scratch, const float *x, float *y)
{
	const struct half *h = self;

	(void)scratch;
	for (size_t i = 0; i < h->count; i++)
		y[i] = i % 2 ? 0 : x[i] + (i + 1 < h->count ? x[i + 1] : 0);
	return LACUNA_OK;
}

static int spread(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	const struct half *h = self;

	(void)scratch, (void)at;
	for (size_t i = 0; i < h->count; i++)
		x[i] = y[i - i % 2];
	return LACUNA_OK;
}
