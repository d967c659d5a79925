/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* A prior of N(1/2, 1) whose derivatives are those of another. */
#define NAME "wrong-derivative"
#define HOWS "vjp", "jvp"
#define DERIVATIVES .vjp = vjp, .jvp = jvp,
#include <lacuna/plugin.h>
static int vjp(const void *, void *, double, const float *, const float *, float *);
static int jvp(const void *, void *, double, const float *, const float *, float *);
#include "prior.h"

enum { VJP, JVP };

static int denoise(const void *self, void *scratch, double sigma, const float *u, float *x0)
{
	const struct plain *p = self;

	(void)scratch;
	for (size_t i = 0; i < p->count; i++)
		x0[i] = (float)(0.5 + ((double)u[i] - 0.5) / (1 + sigma * sigma));
	return LACUNA_OK;
}

static void scale(const struct plain *p, double factor, const float *v, float *out)
{
	for (size_t i = 0; i < p->count; i++)
		out[i] = (float)(factor * (double)v[i]);
}

static int vjp(const void *self, void *scratch, double sigma, const float *u, const float *v,
	       float *out)
{
	const struct plain *p = self;

	(void)scratch, (void)u;
	scale(p, (p->how == VJP ? 0.8 : 1) / (1 + sigma * sigma), v, out);
	return LACUNA_OK;
}

static int jvp(const void *self, void *scratch, double sigma, const float *u, const float *v,
	       float *out)
{
	const struct plain *p = self;

	(void)scratch, (void)u;
	scale(p, (p->how == JVP ? 0.8 : 1) / (1 + sigma * sigma), v, out);
	return LACUNA_OK;
}
