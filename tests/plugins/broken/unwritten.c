/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The last value of the output is not written. */
#define NAME "unwritten"
#define APPLY bad_apply
#include "good.h"

static int bad_apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct half *h = self;
	size_t i;

	(void)scratch;
	for (i = 0; i + 1 < h->count; i++)
		y[i] = x[i] / 2;
	return LACUNA_OK;
}
