/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A prior that tells an impossible deviation. */
#include <lacuna/deviation.h>

#include <math.h>
#include <string.h>
#define NAME "bad-deviation"
#define HOWS "negative", "nan", "infinite", "mixed", "none"
#define DERIVATIVES .extension = extension
static const void *extension(const char *name);
#include "prior.h"

static int denoise(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct plain *p = self;
	const double w = 1 / (1 + 16 * sigma * sigma);

	(void)scratch;
	for (size_t i = 0; i < p->count; i++)
		x0[i] = (float)(0.5 + w * (u[i] - 0.5));
	return LACUNA_OK;
}

static int deviation(const void *self, const struct lacuna_estimate *e, float *out)
{
	static const float wrong[] = { -0.01F, NAN, INFINITY, -0.01F };
	const struct plain *p = self;

	if (p->how == 4 || (p->how == 3 && e->pixelwise))
		return LACUNA_EUNSUPPORTED;
	memcpy(out, e->guess, p->count * sizeof *out);
	out[p->count - 1] = wrong[p->how];
	return LACUNA_OK;
}

static const struct lacuna_prior_deviation deviation_family = { deviation };

static const void *extension(const char *name)
{
	return strcmp(name, LACUNA_DEVIATION) ? NULL : &deviation_family;
}
