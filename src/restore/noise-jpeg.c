/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* What JPEG leaves behind: steps at every eighth column and row. */
#include <config.h>

#include "restore/noise.h"

#include "base/vector.h"

#include <math.h>

enum { SIDE = 8 }; /* of JPEG's blocks */

/* Sums over the steps before columns p, p + 8, ...  height: what a step exceeds the prediction of its neighbours by; part:
 * that relative to all change nearby, which tells as much in texture as elsewhere. */
struct steps {
	double height[8], part[8], count[8];
};

static void add_steps(const float *y, int64_t n, int64_t lines, int64_t along, int64_t across,
		      struct steps *s)
{
	static const double little = 1.0 / 255;

	for (int64_t l = 0; l < lines; l++)
		for (int64_t i = 2; i + 1 < n; i++) {
			const float *v = y + l * across + i * along;
			const double before = v[-along] - v[-2 * along], after = v[along] - v[0];
			const double height = fabs(v[0] - v[-along] - (before + after) / 2);
			const double nearby = (fabs(before) + fabs(after)) / 2;

			if (isfinite(height)) {
				s->height[i % 8] += height;
				s->part[i % 8] += height / (height + nearby + little);
				s->count[i % 8]++;
			}
		}
}

static void sort_means(const double sum[8], const double count[8], double mean[8])
{
	for (int p = 0; p < 8; p++)
		mean[p] = count[p] > 0 ? sum[p] / count[p] : 0;
	vector_sort_doubles(8, mean);
}

/* The largest of the eight mean heights less their median.  *ratio: the largest mean part divided by the second largest. */
static double excess(const struct steps *s, double *ratio)
{
	double part[8], height[8];

	sort_means(s->part, s->count, part);
	sort_means(s->height, s->count, height);
	*ratio = part[6] > 0 ? part[7] / part[6] : 1;
	return height[7] - height[3];
}

double noise_jpeg(const struct lacuna_shape *shape, const float *y)
{
	const int64_t w = shape->extent[0], h = shape->extent[1];
	const int64_t planes = shape->extent[2] * shape->extent[3];
	/* In 137 pictures that never were JPEG, with and without noise, at least one of the two ratios was below 1.03, and
	 * their product below 1.08. */
	static const double both = 1.12, each = 1.015;
	struct steps across = { 0 }, down = { 0 };
	double level, to_right, to_below;

	if (w < 4 * SIDE || h < 4 * SIDE)
		return 0;
	for (int64_t c = 0; c < planes; c++) {
		add_steps(y + c * w * h, w, h, 1, w, &across);
		add_steps(y + c * w * h, h, w, w, 1, &down);
	}
	level = sqrt(excess(&across, &to_right) * excess(&down, &to_below));
	return to_right > each && to_below > each && to_right * to_below > both ? level : 0;
}
