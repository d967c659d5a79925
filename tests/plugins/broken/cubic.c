/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Correct and nonlinear: y = x^3. */
#define NAME "cubic"
#define FLAGS LACUNA_PIXELWISE
#define APPLY cube
#define ADJOINT cube_adjoint
#include "good.h"

static int cube(const void *self, void *scratch, const float *x, float *y)
{
	const struct half *h = self;
	size_t i;

	(void)scratch;
	for (i = 0; i < h->count; i++)
		y[i] = x[i] * x[i] * x[i];
	return LACUNA_OK;
}

static int cube_adjoint(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	const struct half *h = self;
	size_t i;

	(void)scratch;
	for (i = 0; i < h->count; i++)
		x[i] = 3 * at[i] * at[i] * y[i];
	return LACUNA_OK;
}
