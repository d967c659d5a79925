/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A prior with false flags.  GAUSSIAN: the function is bent, its mean moves with sigma, or it uses another sigma.  TRAINED:
 * it inverts the picture. */
#include <math.h>
#ifndef NAME
#define NAME "not-gaussian"
#define FLAGS LACUNA_GAUSSIAN
#endif
#define HOWS "bent", "moves", "squared", "negative"
#include "prior.h"

enum { BENT, MOVES, SQUARED, NEGATIVE };

/* The posterior mean of N(1/2, 0.2^2) with one fault. */
static int denoise(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct plain *p = self;
	const double s2 = p->how == SQUARED ? sigma * sigma * sigma : sigma * sigma;
	const double w = 0.04 / (0.04 + s2), mean = p->how == MOVES ? 0.5 + sigma : 0.5;

	(void)scratch;
	for (size_t i = 0; i < p->count; i++) {
		const double x = w * u[i] + (1 - w) * mean;

		x0[i] = (float)(p->how == BENT	     ? x + 0.02 * sin(5 * x)
				: p->how == NEGATIVE ? 1 - 2 * x
						     : x);
	}
	return LACUNA_OK;
}
