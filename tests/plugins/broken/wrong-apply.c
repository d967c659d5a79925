/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* What apply() must not do beside its work: write before its output (count=0), change the last value of its input (1), keep
 * memory (2), return what is no status (3), let its scratch memory decide (4), give NaN for large values (5), change the
 * locale of its thread (6). */
#define _GNU_SOURCE
#include <stddef.h>
#define NAME "wrong-apply"
#define CREATE create_how
#define APPLY bad_apply
#define OPTIONAL .scratch = scratch_size,
static size_t scratch_size(const void *self);
#include "good.h"
#include <locale.h>
#include <math.h>

enum { BEFORE, INPUT, KEEPS, STATUS, SCRATCH, LARGE, LOCALE };

static int64_t how;

static int create_how(const struct lacuna_host *host, const void *config,
		      const struct lacuna_shape *x, const struct lacuna_shape *y, void **self)
{
	struct half *h = host->alloc(host, sizeof *h);

	(void)y;
	if (!h)
		return LACUNA_ENOMEM;
	how = ((const struct config *)config)->count;
	h->host = host;
	h->count = lacuna_count(x);
	*self = h;
	return LACUNA_OK;
}

static size_t scratch_size(const void *self)
{
	(void)self;
	return sizeof(float);
}

static int bad_apply(const void *self, void *scratch, const float *x, float *y)
{
	const struct half *h = self;
	const float rubbish = *(const float *)scratch;

	for (size_t i = 0; i < h->count; i++)
		y[i] = how == LARGE && fabsf(x[i]) > 100 ? NAN : x[i] / 2;
	if (how == BEFORE)
		y[-1] = 0;
	if (how == INPUT)
		((float *)(uintptr_t)x)[h->count - 1] = 7;
	if (how == KEEPS)
		(void)h->host->alloc(h->host, 8);
	if (how == SCRATCH && !isnan(rubbish))
		y[0] += 1;
	if (how == LOCALE)
		uselocale(newlocale(LC_ALL_MASK, "C.UTF-8", (locale_t)0));
	return how == STATUS ? 5 : LACUNA_OK;
}
