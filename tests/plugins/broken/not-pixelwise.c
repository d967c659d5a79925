/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Claims to be pixelwise but mixes neighbours. */
#define NAME "not-pixelwise"
#define APPLY bad_apply
#define ADJOINT bad_adjoint
#include "good.h"

static int bad_apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct half *h = self;
	size_t i;

	(void)scratch;
	for (i = 0; i < h->count; i++)
		y[i] = (x[i] + x[h->count - 1 - i]) / 4;
	return LACUNA_OK;
}

static int bad_adjoint(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	(void)at;
	return bad_apply(self, scratch, y, x);
}
