/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "restore/ensemble.h"
#include "base/memory.h"

#include <lacuna/plugin.h>

#include <math.h>
#include <string.h>

int ensemble_create(struct ensemble *e, size_t n, int64_t samples, int pairs)
{
	*e = (struct ensemble){ .n = n, .samples = samples, .pairs = pairs };
	e->mean = memory_alloc_array(n, sizeof *e->mean);
	e->spread = memory_alloc_array(n, sizeof *e->spread);
	if (pairs)
		e->first = memory_alloc_array(n, sizeof *e->first);
	return e->mean && e->spread && (e->first || !pairs) ? LACUNA_OK : LACUNA_ENOMEM;
}

void ensemble_free(struct ensemble *e)
{
	memory_release(e->mean);
	memory_release(e->spread);
	memory_release(e->first);
	*e = (struct ensemble){ 0 };
}

void ensemble_reset(struct ensemble *e)
{
	e->added = 0;
	memset(e->mean, 0, e->n * sizeof *e->mean);
	memset(e->spread, 0, e->n * sizeof *e->spread);
}

/* Number of independent samples, or of independent pairs. */
static double groups(const struct ensemble *e)
{
	return (double)(e->pairs ? e->samples / 2 : e->samples);
}

/* Welford, Technometrics 4(3), 1962: mean and sum of squared deviations in one pass.  The halves of a pair deviate from
 * its mean m by +-d, and Var x = Var m + E d^2; the second term is weighted so that spread / (groups - 1) is the sum of
 * both. */
void ensemble_add(struct ensemble *e, const float *sample)
{
	const int64_t k = e->added++;
	const int64_t group = e->pairs ? k / 2 : k;

	if (e->pairs && k % 2 == 0) {
		memcpy(e->first, sample, e->n * sizeof *sample);
		return;
	}
	for (size_t i = 0; i < e->n; i++) {
		const double last = (double)sample[i];
		const double value = e->pairs ? (last + (double)e->first[i]) / 2 : last;
		const double delta = value - e->mean[i], d = last - value;

		e->mean[i] += delta / (double)(group + 1);
		e->spread[i] += delta * (value - e->mean[i]) + d * d * (groups(e) - 1) / groups(e);
	}
}

void ensemble_mean(const struct ensemble *e, float *mean)
{
	for (size_t i = 0; i < e->n; i++)
		mean[i] = (float)e->mean[i];
}

void ensemble_deviation(const struct ensemble *e, double unit, float *deviation)
{
	for (size_t i = 0; i < e->n; i++)
		deviation[i] = (float)(unit * sqrt(e->spread[i] / (groups(e) - 1)));
}
