/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The adjoint ignores the last value. */
#define NAME "one-pixel"
#define FLAGS LACUNA_LINEAR
#define ADJOINT bad_adjoint
#include "good.h"

static int bad_adjoint(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	const struct half *h = self;
	size_t i;

	(void)scratch, (void)at;
	for (i = 0; i < h->count; i++)
		x[i] = y[i] / 2;
	if (h->count > 100000)
		x[h->count - 1] = 0;
	return LACUNA_OK;
}
