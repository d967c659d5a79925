/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Writes past its output. */
#define NAME "overflow"
#define APPLY bad_apply
#include "good.h"

static int bad_apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct half *h = self;
	size_t i;

	(void)scratch;
	for (i = 0; i < h->count + 1; i++)
		y[i] = i < h->count ? x[i] / 2 : 0;
	return LACUNA_OK;
}
