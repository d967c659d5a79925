/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Correct: the sum of neighbours, in very small or very large units. */
#include <lacuna/plugin.h>

struct config;
extern const struct lacuna_param units[1];
#define NAME "scaled"
#define FLAGS LACUNA_LINEAR
#define ROWS units
#define CREATE create_scaled
#define APPLY add_next
#define ADJOINT add_previous
#include "good.h"

const struct lacuna_param units[1] = {
	LACUNA_PARAM_REAL(struct config, strength, NULL, 0, 1e12, 1, "factor"),
};

static double factor;

static int create_scaled(const struct lacuna_host *host, const void *config,
			 const struct lacuna_shape *x, const struct lacuna_shape *y, void **self)
{
	struct half *h = host->alloc(host, sizeof *h);

	(void)y;
	if (!h)
		return LACUNA_ENOMEM;
	factor = ((const struct config *)config)->strength;
	h->host = host;
	h->count = lacuna_count(x);
	*self = h;
	return LACUNA_OK;
}

static int add_next(const void *self, void *scratch, const float *x, float *y)
{
	const struct half *h = self;
	size_t i;

	(void)scratch;
	for (i = 0; i < h->count; i++)
		y[i] = (float)(factor * (x[i] + (i + 1 < h->count ? x[i + 1] : 0)));
	return LACUNA_OK;
}

static int add_previous(const void *self, void *scratch, const float *at, const float *y, float *x)
{
	const struct half *h = self;
	size_t i;

	(void)scratch, (void)at;
	for (i = 0; i < h->count; i++)
		x[i] = (float)(factor * (y[i] + (i ? y[i - 1] : 0)));
	return LACUNA_OK;
}
