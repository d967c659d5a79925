/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include "common/fill.h"

#include <math.h>

/* A plane at one resolution. weight is from 0 (unknown) to 1 (known). */
struct level {
	int64_t w, h;
	float *x, *weight, *depth;
};

static void pull(const struct level *fine, const struct level *coarse)
{
	for (int64_t y = 0; y < coarse->h; y++)
		for (int64_t x = 0; x < coarse->w; x++) {
			const int64_t at = y * coarse->w + x;
			double sum = 0, weight = 0;

			for (int64_t v = 2 * y; v < 2 * y + 2 && v < fine->h; v++)
				for (int64_t u = 2 * x; u < 2 * x + 2 && u < fine->w; u++) {
					const int64_t from = v * fine->w + u;

					sum += (double)fine->weight[from] * fine->x[from];
					weight += fine->weight[from];
				}
			coarse->x[at] = (float)(weight > 0 ? sum / weight : 0);
			coarse->weight[at] = (float)fmin(weight, 1);
		}
}

/* Bilinear interpolation at the fine pixel (x, y). */
static float between(const struct level *coarse, const float *values, int64_t x, int64_t y)
{
	const int64_t cx = x / 2, cy = y / 2;
	const int64_t nx = x % 2 ? cx + 1 : cx - 1, ny = y % 2 ? cy + 1 : cy - 1;
	const int64_t ox = nx < 0 || nx >= coarse->w ? cx : nx;
	const int64_t oy = ny < 0 || ny >= coarse->h ? cy : ny;
	const float *row = values + cy * coarse->w, *other = values + oy * coarse->w;

	return (9 * row[cx] + 3 * row[ox] + 3 * other[cx] + other[ox]) / 16;
}

static void push(const struct level *coarse, const struct level *fine)
{
	for (int64_t y = 0; y < fine->h; y++)
		for (int64_t x = 0; x < fine->w; x++) {
			const int64_t at = y * fine->w + x;
			const float lack = 1 - fine->weight[at];

			if (!(lack > 0)) {
				fine->depth[at] = 0;
				continue;
			}
			fine->x[at] = fine->weight[at] * fine->x[at] +
				      lack * between(coarse, coarse->x, x, y);
			fine->depth[at] = lack * (1 + between(coarse, coarse->depth, x, y));
		}
}

static int fill(const struct lacuna_host *host, const struct level *fine)
{
	struct level coarse = { .w = (fine->w + 1) / 2, .h = (fine->h + 1) / 2 };
	const size_t n = (size_t)coarse.w * (size_t)coarse.h;
	int status;

	if (fine->w == 1 && fine->h == 1) {
		fine->x[0] = fine->weight[0] > 0 ? fine->x[0] : 0.5F;
		fine->depth[0] = 0;
		return LACUNA_OK;
	}
	coarse.x = host->alloc(host, 3 * n * sizeof *coarse.x);
	if (!coarse.x)
		return LACUNA_ENOMEM;
	coarse.weight = coarse.x + n;
	coarse.depth = coarse.weight + n;
	pull(fine, &coarse);
	status = fill(host, &coarse);
	if (!status)
		push(&coarse, fine);
	host->release(host, coarse.x);
	return status;
}

int fill_holes(const struct lacuna_host *host, const struct lacuna_shape *shape, const float *known,
	       float *x, float *depth)
{
	const int64_t w = shape->extent[0], h = shape->extent[1];
	const size_t plane = (size_t)w * (size_t)h, n = lacuna_count(shape);
	float *weight = host->alloc(host, plane * sizeof *weight);
	int status = weight ? LACUNA_OK : LACUNA_ENOMEM;

	for (size_t at = 0; at < n && !status; at += plane) {
		const struct level level = { w, h, x + at, weight, depth + at };

		for (size_t i = 0; i < plane; i++)
			weight[i] = known[at + i] > 0;
		status = fill(host, &level);
	}
	host->release(host, weight);
	return status;
}
