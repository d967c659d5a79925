/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Adds a dark current of 1e-6 of the range. */
#define NAME "affine"
#define APPLY bad_apply
#include "good.h"

static int bad_apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct half *h = self;
	size_t i;

	(void)scratch;
	for (i = 0; i < h->count; i++)
		y[i] = x[i] / 2 + 1e-6f;
	return LACUNA_OK;
}
