/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* An offset that depends on the last image (count=0), leaves a value unset (1), is infinite (2), or changes with each call
 * (4). */
#include <math.h>
#define NAME "wrong-offset"
#define APPLY remember
#define CREATE create_offset
#define OPTIONAL .offset = offset,
static int offset(const void *self, float *b);
#include "good.h"

static float last;
static int64_t how, calls;

static int create_offset(const struct lacuna_host *host, const void *config,
			 const struct lacuna_shape *x, const struct lacuna_shape *y, void **self)
{
	struct half *h = host->alloc(host, sizeof *h);

	(void)y;
	if (!h)
		return LACUNA_ENOMEM;
	how = ((const struct config *)config)->count;
	last = 0;
	h->host = host;
	h->count = lacuna_count(x);
	*self = h;
	return LACUNA_OK;
}

static int remember(const void *self, void *scratch, const float *x, float *y)
{
	const struct half *h = self;
	size_t i;

	(void)scratch;
	for (i = 0; i < h->count; i++)
		y[i] = x[i] / 2;
	last = x[0];
	return LACUNA_OK;
}

static int offset(const void *self, float *b)
{
	const struct half *h = self;
	size_t i;

	for (i = 0; i < h->count - (how == 1); i++)
		b[i] = how == 0 ? last : how == 2 ? INFINITY : how == 4 ? (float)++calls : 1;
	return LACUNA_OK;
}
