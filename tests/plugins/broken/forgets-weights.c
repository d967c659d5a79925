/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* solve() treats every value of y as measured. */
#define NAME "forgets-weights"
#define OPTIONAL .solve = bad_solve,
#include <lacuna/plugin.h>
static int bad_solve(const void *self, void *scratch, const struct lacuna_system *system,
		     const float *b, float *x);
#include "good.h"

static int bad_solve(const void *self, void *scratch, const struct lacuna_system *system,
		     const float *b, float *x)
{
	const struct half *h = self;

	(void)scratch;
	for (size_t i = 0; i < h->count; i++)
		x[i] = (float)(b[i] / (0.25 + system->rho));
	return LACUNA_OK;
}
