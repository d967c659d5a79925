/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The noise of counted photons: values that are whole multiples of a step, and whose variance is their mean. */
#include <config.h>

#include "restore/noise-private.h"

#include "base/memory.h"
#include "base/vector.h"

#include <math.h>

const double noise_of_none = 0.1;

/* The step of values that are the smallest one plus whole multiples of it; 0: there are other values, or too many multiples
 * for a few photons.  values: n of them, in order. */
static double step_of_counts(const float *values, size_t n)
{
	static const double most = 1000, exact = 0.02;
	const double span = n ? (double)values[n - 1] - (double)values[0] : 0;
	double step = INFINITY;

	for (size_t i = 1; i < n; i++)
		if (values[i] > values[i - 1])
			step = fmin(step, (double)values[i] - (double)values[i - 1]);
	if (!(span > 0 && step * most > span))
		return 0;
	step = span / round(span / step);
	for (size_t i = 0; i < n; i++) {
		const double count = ((double)values[i] - (double)values[0]) / step;

		if (fabs(count - round(count)) > exact)
			return 0;
	}
	return step;
}

/* The step of the values of y, and the smallest of them, from a sample. */
static int find_counts(const struct lacuna_shape *shape, const float *y, double *step,
		       double *smallest)
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
	*step = step_of_counts(values, count);
	*smallest = count ? (double)values[0] : 0;
	memory_release(values);
	return LACUNA_OK;
}

/* How far the variance of counts is from their mean where there is no texture: mean square of the logarithm of the ratio.
 * INFINITY: these are no photons.  The distance is too large, or the variance is below the mean somewhere, or the means differ
 * too little to tell.  Dark bins do not count: blocks without photons are left out there, so that the others seem too noisy. */
static double misfit(const struct bins *b, double step, double zero)
{
	static const double enough = 3, least = 0.6, near = 0.18, brighter = 1.8;
	static const double dark = 0.25; /* photons */
	double trust = 0, off = 0;

	for (int k = 0; k < b->count; k++) {
		const double due = step * (b->level[k] - zero);
		const double ratio = log(b->variance[k] / due);

		if (!(due > 0) || b->most[k] < least * due)
			return INFINITY;
		if (due < dark * step * step)
			continue;
		trust += b->trust[k];
		off += b->trust[k] * ratio * ratio;
	}
	return trust >= enough && off < near * near * trust &&
			       b->level[b->count - 1] - zero > brighter * (b->level[0] - zero)
		       ? off / trust
		       : INFINITY;
}

/* True if the smallest value is zero plus a whole number of steps. */
static int may_be_zero(double zero, double step, double smallest)
{
	static const double exact = 0.02;
	const double count = (smallest - zero) / step;

	return count > -exact && fabs(count - round(count)) < exact;
}

/* Where the variance would be none: that of photons is step times the distance from there.  A whole number of steps from
 * the smallest value, and no more than that: where read noise makes values fall below, they are no counts. */
static double fit_zero(const struct bins *b, double step, double smallest)
{
	double weights = 0, sum = 0;

	for (int k = 0; k < b->count; k++) {
		const double weight = b->trust[k] / (b->variance[k] * b->variance[k] + 1e-30);

		weights += weight;
		sum += weight * (b->level[k] - b->variance[k] / step);
	}
	return smallest -
	       step * (weights > 0 ? fmax(round((smallest - sum / weights) / step), 0) : 0);
}

/* Cameras add an offset to counts.  *zero: the stated value of no photon; if that does not fit, the smallest value or a
 * lower one, whichever fits better.  False if none does. */
static int find_zero(const struct bins *b, double step, double smallest, double *zero)
{
	const double lower = fit_zero(b, step, smallest);

	if (may_be_zero(*zero, step, smallest) && isfinite(misfit(b, step, *zero)))
		return 1;
	*zero = misfit(b, step, lower) < misfit(b, step, smallest) ? lower : smallest;
	return isfinite(misfit(b, step, *zero));
}

int noise_of_counts(const struct lacuna_shape *shape, const float *y, double zero,
		    struct noise *noise)
{
	struct blocks s = { 0 };
	struct bins bins;
	double step, smallest, mean = 0;
	int status = find_counts(shape, y, &step, &smallest);

	*noise = (struct noise){ 0 };
	if (status || !(step > 0))
		return status;
	/* a value at zero is no photon, not a clipped one */
	status = blocks_collect(shape, y, SIDE * SIDE, 2, &s);
	if (!status)
		bins_fill(&s, &bins);
	if (!status && find_zero(&bins, step, smallest, &zero)) {
		for (size_t i = 0; i < s.count; i++)
			mean += s.list[i].level / (double)s.count;
		*noise = (struct noise){ .slope = step,
					 .offset = -step * zero,
					 .sigma = sqrt(step * (mean - zero)),
					 .least_variance = noise_of_none * step * step };
	}
	blocks_release(&s);
	return status;
}
