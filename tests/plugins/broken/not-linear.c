/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Claims to be linear but adds a constant. */
#define NAME "not-linear"
#define APPLY bad_apply
#include "good.h"

static int bad_apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct half *h = self;
	size_t i;

	(void)scratch;
	for (i = 0; i < h->count; i++)
		y[i] = x[i] / 2 + 0.01f;
	return LACUNA_OK;
}
