/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Keeps its work space in the object instead of scratch, and is quick: concurrent calls with equal arguments do not reveal
 * it. */
#define NAME "static-buffer"
#define APPLY bad_apply
#include "good.h"

static float work[128 * 128];

static int bad_apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct half *h = self;
	size_t i, n = h->count < sizeof work / sizeof *work ? h->count : 0;

	(void)scratch;
	memcpy(work, x, n * sizeof *x);
	for (i = 0; i < n; i++)
		y[i] = work[i] / 2;
	for (; i < h->count; i++)
		y[i] = x[i] / 2;
	return LACUNA_OK;
}
