/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The adjoint is slightly wrong from the 20 000th value on. */
#define NAME "late-adjoint"
#define ADJOINT bad_adjoint
#include "good.h"

static int bad_adjoint(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	const struct half *h = self;
	size_t i;

	(void)scratch, (void)at;
	for (i = 0; i < h->count; i++)
		x[i] = y[i] / 2 * (i < 20000 ? 1.0f : 1.01f);
	return LACUNA_OK;
}
