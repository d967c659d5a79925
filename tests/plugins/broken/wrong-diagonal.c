/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Returns the diagonal of A instead of that of A'A. */
#include <lacuna/plugin.h>

static int bad_diagonal(const void *, float *);
#define NAME "wrong-diagonal"
#define OPTIONAL .diagonal = bad_diagonal,
#include "good.h"

static int bad_diagonal(const void *self, float *d)
{
	const struct half *h = self;
	size_t i;

	for (i = 0; i < h->count; i++)
		d[i] = 0.5f;
	return LACUNA_OK;
}
