/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The noise of counted photons: values that are whole multiples of a step, and whose variance is their mean. */
#include <config.h>

#include "restore/noise-private.h"

#include "base/memory.h"
#include "base/vector.h"

#include <math.h>

const double noise_of_none = 0.1;

/* The step of values that are zero plus whole multiples of it; 0: there are other values, or too many multiples for a few
 * photons.  values: n of them, in order. */
static double step_of_counts(const float *values, size_t n, double zero)
{
	static const double most = 1000, exact = 0.02;
	const double largest = n ? values[n - 1] - zero : 0;
	double step = INFINITY;

	for (size_t i = 1; i < n; i++)
		if (values[i] > values[i - 1])
			step = fmin(step, (double)values[i] - (double)values[i - 1]);
	if (!(largest > 0 && step * most > largest))
		return 0;
	step = largest / round(largest / step);
	for (size_t i = 0; i < n; i++) {
		const double count = (values[i] - zero) / step;

		if (count < -exact || fabs(count - round(count)) > exact)
			return 0;
	}
	return step;
}

/* The step of the values of y, from a sample of them. */
static int find_counts(const struct lacuna_shape *shape, const float *y, double zero, double *step)
{
	const size_t n = lacuna_count(shape), stride = n / MOST_BLOCKS + 1;
	float *values = memory_alloc_array(n / stride + 1, sizeof *values);
	size_t count = 0;

	if (!values)
		return LACUNA_ENOMEM;
	for (size_t i = 0; i < n; i += stride)
		if (isfinite(y[i]))
			values[count++] = y[i];
	vector_sort(count, values);
	*step = step_of_counts(values, count, zero);
	memory_release(values);
	return LACUNA_OK;
}

/* True if the variance of counts is their mean wherever there is no texture, and nowhere less, and the means differ enough
 * to show it.  In the dark, blocks without photons are left out, so that the others seem too loud. */
static int are_photons(const struct bins *b, double step, double zero)
{
	static const double enough = 3, least = 0.6, near = 0.18, brighter = 1.8;
	static const double dark = 0.25; /* photons */
	double trust = 0, off = 0;

	for (int k = 0; k < b->count; k++) {
		const double due = step * (b->level[k] - zero);
		const double ratio = log(b->variance[k] / due);

		if (b->most[k] < least * due)
			return 0;
		if (due < dark * step * step)
			continue;
		trust += b->trust[k];
		off += b->trust[k] * ratio * ratio;
	}
	return trust >= enough && off < near * near * trust &&
	       b->level[b->count - 1] - zero > brighter * (b->level[0] - zero);
}

int noise_of_counts(const struct lacuna_shape *shape, const float *y, double zero,
		    struct noise *noise)
{
	struct blocks s = { 0 };
	struct bins bins;
	double step, mean = 0;
	int status = find_counts(shape, y, zero, &step);

	*noise = (struct noise){ 0 };
	if (status || !(step > 0))
		return status;
	/* a value at zero is no photon, not a clipped one */
	status = blocks_collect(shape, y, SIDE * SIDE, 2, &s);
	if (status)
		return status;
	bins_fill(&s, &bins);
	if (are_photons(&bins, step, zero)) {
		for (size_t i = 0; i < s.count; i++)
			mean += s.list[i].level / (double)s.count;
		*noise = (struct noise){ .slope = step,
					 .offset = -step * zero,
					 .sigma = sqrt(step * (mean - zero)),
					 .least_variance = noise_of_none * step * step };
	}
	memory_release(s.list);
	return LACUNA_OK;
}
