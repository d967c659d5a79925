/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Keeps its work space in the object instead of scratch: concurrent calls corrupt each other's results. */
#define NAME "not-concurrent"
#define APPLY bad_apply
#include "good.h"
#include <time.h>

static float work[32 * 32 * 16];

static int bad_apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct timespec pause = { 0, 500000 };
	const struct half *h = self;
	size_t i, n = h->count < sizeof work / sizeof *work ? h->count : 0;

	(void)scratch;
	for (i = 0; i < n; i++)
		work[i] = x[i] / 2;
	nanosleep(&pause, NULL);
	for (i = 0; i < n; i++) {
		y[i] = work[i];
		work[i] = 0;
	}
	for (; i < h->count; i++)
		y[i] = x[i] / 2;
	return LACUNA_OK;
}
