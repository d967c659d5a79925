/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Estimates white noise from the picture itself, at one level or growing with brightness.  The parts of the method are in
 * noise-blocks.c (which begins with where it comes from), noise-power.c, noise-bins.c and noise-clipped.c. */
#include <config.h>

#include "restore/noise-private.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/vector.h"

#include <math.h>

/* Blocks without clipped values: with fewer than FEW_BLOCKS clipped ones are measured too, and with fewer than SOME_BLOCKS
 * those alone count. */
enum { FEW_BLOCKS = 1000, SOME_BLOCKS = 256 };

/* True if all quiet blocks are about equally strong: noise is, white or not; few textures are. */
static int is_even(const struct blocks *s)
{
	/* chi: quantiles of the mean of 21 squares of white noise (chi-squared), relative to its expectation */
	static const double most = 1.18, chi_200th = 0.383, chi_20th = 0.552;
	double *power = memory_alloc_array(s->count, sizeof *power);
	int even;

	if (!power) {
		error_clear();
		return 0;
	}
	for (size_t i = 0; i < s->count; i++)
		for (int k = 0; k < HIGH; k++)
			power[i] += s->list[i].high[k] / HIGH;
	even = vector_select(s->count, power, s->count / 20) / chi_20th <
	       most * vector_select(s->count, power, s->count / 200) / chi_200th;
	memory_release(power);
	return even;
}

/* Measures the noise from blocks without clipped values. */
static void measure_complete(struct blocks *s, struct noise *noise)
{
	static const double directed = 1.9, doubles = 1.8, grows = 1.3, may_grow = 1.15,
			    a_little = 1.25;
	struct bins bins;
	const struct power power = power_of_smoothest(s);
	double slope = 0, offset = 0, mean = 0, low, high;
	int bare;

	noise->offset = power_falls_on(&power)
				? fmin(power_under_texture(&power), power_beyond_texture(&power))
			: is_even(s) && blocks_direction(s) < directed
				? power.high
				: power_under_texture(&power);
	bins_fill(s, &bins);
	if (bins.count >= 4)
		bins_fit(&bins, &slope, &offset);
	/* The variance must nearly double from the darkest to the brightest parts: less gains little and may be texture, unless
	 * no bin shows any. */
	low = bins.count ? fmax(slope * bins.level[0] + offset, 0) : 0;
	high = bins.count ? slope * bins.level[bins.count - 1] + offset : 0;
	bare = bins.count >= 4 && bins_are_bare(&bins);
	if (bins.count >= 4 && slope > 0 && high > (bare ? grows : doubles) * low &&
	    bins_are_line(&bins, slope, offset)) {
		double least = INFINITY;

		for (int k = 0; k < bins.count; k++)
			least = fmin(least, bins.variance[k]);
		noise->slope = slope;
		noise->offset = offset;
		noise->least_variance = fmax(0.5 * least, 1e-3 * high);
		for (size_t i = 0; i < s->count; i++)
			mean += fmax(slope * s->list[i].level + offset, noise->least_variance) /
				(double)s->count;
		noise->sigma = sqrt(mean);
	} else {
		const double all = bins_mean(&bins);

		/* The smoothest blocks are the darkest, and the quietest if there are photons.  If they are much quieter than
		 * others, there is texture. */
		if (bare && slope > 0 && high > may_grow * low && all < a_little * noise->offset)
			noise->offset = fmax(noise->offset, all);
		noise->sigma = sqrt(noise->offset);
	}
}

/* Clipped blocks tell the level better than a few complete ones, which are often textured, but not how the noise depends on
 * brightness. */
static void take_clipped(double variance, struct noise *noise)
{
	if (noise->slope > 0)
		return;
	noise->offset = variance;
	noise->sigma = sqrt(variance);
}

int noise_measure(const struct lacuna_shape *shape, const float *y, struct noise *noise)
{
	struct blocks s;
	double clipped = 0;
	int status = blocks_collect(shape, y, 0, 1, &s);

	*noise = (struct noise){ 0 };
	if (status)
		goto out;
	clipped_drop(shape, y, &s);
	if (s.count < FEW_BLOCKS && clipped_any(shape, y))
		status = clipped_measure(shape, y, &clipped);
	if (s.count >= (clipped > 0 ? SOME_BLOCKS : LEAST_BLOCKS))
		measure_complete(&s, noise);
	else if (!status && !(clipped > 0))
		status = error_set(LACUNA_EINVAL,
				   "too few complete 8x8 blocks to estimate the noise; state it "
				   "with -n (0 for none)");
	if (!status && clipped > 0)
		take_clipped(clipped, noise);
out:
	blocks_release(&s);
	return status;
}

int noise_bound(const struct lacuna_shape *shape, const float *y, struct noise_bounds *bounds)
{
	struct blocks s;
	int status = blocks_collect(shape, y, 0, 2, &s);

	*bounds = (struct noise_bounds){ 0, INFINITY };
	if (!status)
		clipped_drop(shape, y, &s);
	if (!status && s.count >= LEAST_BLOCKS) {
		const struct power power = power_of_smoothest(&s);
		struct noise noise = { 0 };

		measure_complete(&s, &noise);
		if (!power_is_textured(&power))
			bounds->least = sqrt(power.high);
		bounds->most = fmax(noise.sigma, sqrt(fmax(power.high, power.middle)));
	}
	blocks_release(&s);
	return status;
}
