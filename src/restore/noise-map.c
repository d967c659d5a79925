/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The deviation of noise at each value, from the level of the scene there. */
#include <config.h>

#include "restore/noise.h"

#include "base/memory.h"

#include <math.h>

/* Mean within `radius' of each value of a line, without NaN; step: distance from one value to the next. */
static void line_mean(const float *in, int64_t n, int64_t step, int64_t radius, float *out)
{
	for (int64_t i = 0; i < n; i++) {
		double total = 0;
		int count = 0;

		for (int64_t k = i - radius; k <= i + radius; k++)
			if (k >= 0 && k < n && isfinite(in[k * step])) {
				total += in[k * step];
				count++;
			}
		out[i * step] = count ? (float)(total / count) : NAN;
	}
}

/* The same over a square. */
static void box_mean(const float *in, int64_t w, int64_t h, int64_t radius, float *across,
		     float *out)
{
	for (int64_t y = 0; y < h; y++)
		line_mean(in + y * w, w, 1, radius, across + y * w);
	for (int64_t x = 0; x < w; x++)
		line_mean(across + x, h, w, radius, out + x);
}

int noise_map(const struct lacuna_shape *shape, const struct noise *noise, const float *level,
	      int radius, float *sigma)
{
	const int64_t w = shape->extent[0], h = shape->extent[1];
	const size_t n = lacuna_count(shape), area = (size_t)(w * h);
	float *sum = memory_alloc_array(area, sizeof *sum);

	if (!sum)
		return LACUNA_ENOMEM;
	for (size_t first = 0; first < n; first += area)
		box_mean(level + first, w, h, radius, sum, sigma + first);
	memory_release(sum);
	for (size_t i = 0; i < n; i++) {
		const double v = noise->slope * sigma[i] + noise->offset;
		const size_t channel = i / area % (size_t)shape->extent[2];

		sigma[i] = isfinite(sigma[i]) ? (float)sqrt(fmax(v, noise->least_variance))
					      : (float)noise->sigma;
		if (noise->channel[0] > 0)
			sigma[i] *= (float)noise->channel[channel];
	}
	return LACUNA_OK;
}
