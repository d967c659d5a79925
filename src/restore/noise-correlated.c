/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Noise that is correlated over more than a pixel, and the picture at half its size, where such noise is nearly white. */
#include <config.h>

#include "restore/noise-private.h"

#include "base/memory.h"
#include "base/vector.h"

#include <math.h>

/* The power in the quietest twentieth of the blocks.  chi: that quantile of the mean of as many squares of white noise
 * (chi-squared), relative to its expectation.  Changes the order of power. */
static double quiet_power(double *power, size_t count, double chi)
{
	return vector_select(count, power, count / 20) / chi;
}

int grain_measure(const struct lacuna_shape *shape, const float *y, struct grain *g)
{
	static const double chi_middle = 0.561, chi_high = 0.552;
	struct blocks s;
	double *power = NULL;
	int status = blocks_collect(shape, y, 0, 1, &s);

	*g = (struct grain){ .uneven = INFINITY, .direction = INFINITY };
	if (status)
		goto out;
	clipped_drop(shape, y, &s);
	blocks_sort_by_low(&s);
	if (s.count >= LEAST_BLOCKS)
		power = memory_alloc_array(s.count, sizeof *power);
	if (power) {
		for (size_t i = 0; i < s.count; i++)
			power[i] = s.list[i].middle;
		g->middle = quiet_power(power, s.count, chi_middle);
		g->uneven = vector_select(s.count, power, s.count / 10) /
			    vector_select(s.count, power, s.count / 200);
		for (size_t i = 0; i < s.count; i++) {
			power[i] = 0;
			for (int k = 0; k < HIGH; k++)
				power[i] += s.list[i].high[k] / HIGH;
		}
		g->high = quiet_power(power, s.count, chi_high);
		g->direction = blocks_direction(&s);
	} else if (s.count >= LEAST_BLOCKS)
		status = LACUNA_ENOMEM;
out:
	memory_release(power);
	blocks_release(&s);
	return status;
}

int grain_is_noise(const struct grain *g, int few)
{
	/* Noise is everywhere, so the quietest blocks differ by chance alone (even: 1.6 for white noise); texture is weaker in
	 * some places, or it has a direction.  Noise of about one grey level cannot be told from texture at all. */
	static const double least = 1.2 / 255, even = 2.2, directed = 1.4, by_chance = 2;

	return sqrt(g->high) > least && g->uneven < even &&
	       g->direction < (few ? by_chance : directed);
}

int grain_is_correlated(const struct grain *g)
{
	/* The ratio of middle to high power is 1 for white noise and 4 for noise correlated over 0.7 px; the texture of most
	 * scenes lies between. */
	static const double stands_out = 2.7;

	return grain_is_noise(g, 0) && g->middle > stands_out * g->high;
}

struct lacuna_shape noise_half_shape(const struct lacuna_shape *shape)
{
	struct lacuna_shape half = *shape;

	half.extent[0] /= 2;
	half.extent[1] /= 2;
	return half;
}

void noise_halve(const struct lacuna_shape *shape, const float *y, float *half)
{
	const int64_t w = shape->extent[0], h = shape->extent[1];
	const int64_t planes = shape->extent[2] * shape->extent[3];

	for (int64_t c = 0; c < planes; c++)
		for (int64_t j = 0; j + 1 < h; j += 2)
			for (int64_t i = 0; i + 1 < w; i += 2) {
				const float *at = y + i + w * (j + h * c);
				const float four[4] = { at[0], at[1], at[w], at[w + 1] };
				double sum = 0;
				int count = 0;

				for (int k = 0; k < 4; k++)
					if (isfinite(four[k])) {
						sum += (double)four[k];
						count++;
					}
				*half++ = count ? (float)(sum / count) : NAN;
			}
}
