/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Uses the singular value instead of the eigenvalue. */
#include <lacuna/plugin.h>

static int bad_spectral(const void *, void *, lacuna_gain *, const void *, const float *, float *);
#define NAME "wrong-spectral"
#define OPTIONAL .spectral = bad_spectral,
#include "good.h"

static int bad_spectral(const void *self, void *scratch, lacuna_gain *gain, const void *context,
			const float *b, float *x)
{
	const struct half *h = self;
	size_t i;

	(void)scratch;
	for (i = 0; i < h->count; i++)
		x[i] = (float)(gain(0.5, context) * b[i]);
	return LACUNA_OK;
}
