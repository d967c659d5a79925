/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Variance against level: does noise grow with brightness? */
#include <config.h>

#include "restore/noise-private.h"

#include <math.h>
#include <stdlib.h>

void bins_fill(struct blocks *s, struct bins *b)
{
	b->count = s->count / LEAST_IN_BIN < BINS ? (int)(s->count / LEAST_IN_BIN) : BINS;
	blocks_sort_by_level(s);
	for (int k = 0; k < b->count; k++) {
		const size_t from = s->count * (size_t)k / (size_t)b->count;
		const size_t to = s->count * (size_t)(k + 1) / (size_t)b->count;
		const size_t used = (to - from) / 20 > 16 ? (to - from) / 20 : 16;
		const struct blocks bin = blocks_part(s, from, to - from);
		struct power power;

		blocks_sort_by_low(&bin);
		b->level[k] = 0;
		for (size_t i = 0; i < used; i++)
			b->level[k] += bin.list[i].level / (double)used;
		power = power_mean(bin.list, used);
		b->variance[k] = power_under_texture(&power);
		b->most[k] = power.high;
		b->trust[k] = power_trust(&power);
	}
}

/* Fits variance = slope * level + offset by iterated least squares of relative errors; bins far above it are texture. */
void bins_fit(const struct bins *b, double *slope, double *offset)
{
	double a = 0, c = 0, weight[BINS];

	for (int k = 0; k < b->count; k++)
		weight[k] = b->trust[k] / (b->variance[k] * b->variance[k] + 1e-30);
	for (int round = 0; round < 20; round++) {
		double sw = 0, sx = 0, sy = 0, sxx = 0, sxy = 0, det, floor = 0;

		for (int k = 0; k < b->count; k++) {
			sw += weight[k];
			sx += weight[k] * b->level[k];
			sy += weight[k] * b->variance[k];
			sxx += weight[k] * b->level[k] * b->level[k];
			sxy += weight[k] * b->level[k] * b->variance[k];
		}
		det = sw * sxx - sx * sx;
		if (!(det > 1e-12 * sw * sxx))
			break;
		a = (sw * sxy - sx * sy) / det;
		c = (sy - a * sx) / sw;
		for (int k = 0; k < b->count; k++)
			floor = fmax(floor, b->variance[k]);
		floor *= 1e-3;
		for (int k = 0; k < b->count; k++) {
			const double v = fmax(a * b->level[k] + c, floor);
			const double r = b->variance[k] / v - 1;

			weight[k] = b->trust[k] / (v * v) / (r > 0.3 ? r * r / 0.09 : 1);
		}
	}
	*slope = a;
	*offset = c;
}

/* True if the line explains most of the differences between bins, and enough bins show noise alone.  Texture only makes a
 * bin louder than its noise, so a bin that is quieter than the line counts in full. */
int bins_are_line(const struct bins *b, double slope, double offset)
{
	static const double enough = 3;
	double trust = 0, mean = 0, from_mean = 0, from_line = 0;

	for (int k = 0; k < b->count; k++) {
		trust += b->trust[k];
		mean += b->trust[k] * log(b->variance[k]);
	}
	mean /= trust;
	for (int k = 0; k < b->count; k++) {
		const double line = slope * b->level[k] + offset, l = log(b->variance[k]);
		const double above = line > 0 ? log(line / b->most[k]) : INFINITY;
		const double off = line > 0 ? log(line) - l : INFINITY;

		from_mean += b->trust[k] * (l - mean) * (l - mean);
		from_line += above > 0 ? above * above : b->trust[k] * off * off;
	}
	return trust >= enough && from_line < 0.3 * from_mean;
}

int bins_are_bare(const struct bins *b)
{
	static const double least = 0.98;
	int k = 0;

	while (k < b->count && b->trust[k] > least)
		k++;
	return k == b->count;
}

double bins_mean(const struct bins *b)
{
	double mean = 0;

	for (int k = 0; k < b->count; k++)
		mean += b->variance[k] / b->count;
	return mean;
}
