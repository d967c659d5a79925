/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Scales its input in place. */
#define NAME "changes-input"
#define APPLY bad_apply
#include "good.h"

static int bad_apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct half *h = self;
	float *in = (float *)(uintptr_t)x;
	size_t i;

	(void)scratch;
	for (i = 0; i < h->count; i++)
		y[i] = in[i] /= 2;
	return LACUNA_OK;
}
