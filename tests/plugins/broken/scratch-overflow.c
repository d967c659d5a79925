/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Uses more scratch than it asks for. */
#define NAME "scratch-overflow"
#define APPLY bad_apply
#define OPTIONAL .scratch = scratch_size,
#include <stddef.h>
static size_t scratch_size(const void *self);
#include "good.h"

static int bad_apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct half *h = self;
	float *work = scratch;
	size_t i;

	for (i = 0; i < h->count; i++)
		work[i] = x[i] / 2;
	memcpy(y, work, h->count * sizeof *y);
	return LACUNA_OK;
}

static size_t scratch_size(const void *self)
{
	size_t n = ((const struct half *)self)->count;

	return (n > 1 ? n - 1 : 1) * sizeof(float);
}
