/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The result depends on earlier calls. */
#define NAME "hidden-state"
#define APPLY bad_apply
#include "good.h"

static int bad_apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct half *h = self;
	static int calls;
	size_t i;

	(void)scratch;
	for (i = 0; i < h->count; i++)
		y[i] = x[i] / 2 + 1e-6f * (float)(calls % 3);
	calls++;
	return LACUNA_OK;
}
