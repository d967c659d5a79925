/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* y = x / 2 with every optional function: right (count=0), or spectral() forgets the null space (1) or takes any gain for a
 * line (2), solve() adds to the first guess (3), approximate() is negative (4) or not symmetric (5), a window begins before
 * the image (6). */
#include <lacuna/plugin.h>
static int spectral(const void *, void *, lacuna_gain *, const void *, const float *, float *);
static int approximate(const void *, void *, lacuna_gain *, const void *, const float *, float *);
static int solve(const void *, void *, const struct lacuna_system *, const float *, float *);
static int window(const void *, const struct lacuna_region *, struct lacuna_region *);
#define NAME "wrong-forms"
#define CREATE create_forms
#define OPTIONAL .spectral = spectral, .approximate = approximate, .solve = solve, .window = window,
#include "good.h"

enum { RIGHT, NO_NULL_SPACE, LINE, ADDS, NEGATIVE, SKEW, BEFORE };

static int64_t fault;

static int create_forms(const struct lacuna_host *host, const void *config,
			const struct lacuna_shape *x, const struct lacuna_shape *y, void **self)
{
	struct half *h = host->alloc(host, sizeof *h);

	(void)y;
	if (!h)
		return LACUNA_ENOMEM;
	fault = ((const struct config *)config)->count;
	h->host = host;
	h->count = lacuna_count(x);
	*self = h;
	return LACUNA_OK;
}

/* All eigenvalues are 1/4. */
static int spectral(const void *self, void *scratch, lacuna_gain *gain, const void *context,
		    const float *b, float *x)
{
	const struct half *h = self;
	double g = gain(0.25, context);

	(void)scratch;
	if (fault == NO_NULL_SPACE)
		g -= gain(0, context);
	if (fault == LINE)
		g = gain(0, context) + 0.25 * (gain(1, context) - gain(0, context));
	for (size_t i = 0; i < h->count; i++)
		x[i] = (float)(g * b[i]);
	return LACUNA_OK;
}

static int approximate(const void *self, void *scratch, lacuna_gain *gain, const void *context,
		       const float *b, float *x)
{
	const struct half *h = self;
	const double g = (fault == NEGATIVE ? -1 : 1) * gain(0.25, context);

	(void)scratch;
	for (size_t i = 0; i < h->count; i++)
		x[i] = (float)(g * (b[i] + (fault == SKEW && i ? 0.3 * b[i - 1] : 0)));
	return LACUNA_OK;
}

static int solve(const void *self, void *scratch, const struct lacuna_system *system,
		 const float *b, float *x)
{
	const struct half *h = self;

	(void)scratch;
	for (size_t i = 0; i < h->count; i++) {
		const double w = system->weights ? system->weights[i] : 1;

		x[i] = (float)((fault == ADDS ? x[i] : 0) + b[i] / (0.25 * w + system->rho));
	}
	return LACUNA_OK;
}

static int window(const void *self, const struct lacuna_region *in_y, struct lacuna_region *in_x)
{
	(void)self;
	*in_x = *in_y;
	in_x->origin[1] -= fault == BEFORE;
	return LACUNA_OK;
}
