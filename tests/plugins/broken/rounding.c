/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Changes the rounding mode while it works. */
#define NAME "rounding"
#define APPLY bad_apply
#include <fenv.h>
#include "good.h"

static int bad_apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct half *h = self;
	size_t i;

	(void)scratch;
	fesetround(FE_UPWARD);
	for (i = 0; i < h->count; i++)
		y[i] = x[i] / 2;
	return LACUNA_OK;
}
