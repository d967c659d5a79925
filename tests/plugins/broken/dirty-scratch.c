/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Assumes that its scratch is zeroed. */
#define NAME "dirty-scratch"
#define APPLY bad_apply
#define OPTIONAL .scratch = scratch_size,
#include <stddef.h>
static size_t scratch_size(const void *self);
#include "good.h"

static int bad_apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct half *h = self;
	const float *work = scratch;
	size_t i;

	for (i = 0; i < h->count; i++)
		y[i] = x[i] / 2 + work[i];
	return LACUNA_OK;
}

static size_t scratch_size(const void *self)
{
	return ((const struct half *)self)->count * sizeof(float);
}
