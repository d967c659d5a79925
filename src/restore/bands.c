/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Each line is compared with the mean of its two neighbours.  An offset changes this difference by the same amount along the
 * whole line, so its medians in four parts of the line agree.  Those of a scene seldom do.  Offsets of different lines are
 * independent, so the differences from line to line have the spectrum of a second difference of white noise.  Those of edges
 * and stripes do not. */
#include <config.h>

#include "restore/bands.h"
#include "base/memory.h"
#include "base/vector.h"

#include <math.h>

/* Of large pictures a part is enough. */
enum { PARTS = 4, MOST_IN_PART = 96, LEAST_IN_PART = 8, MOST_LINES = 2048, LEAST_LINES = 32 };

/* The lines of a plane: value i of line l is values[i * along + l * across]. */
struct lines {
	const float *values;
	int64_t count, length, along, across;
};

static double second_difference(const struct lines *p, int64_t line, int64_t i)
{
	const float *v = p->values + i * p->along + line * p->across;

	return (double)*v - ((double)v[-p->across] + (double)v[p->across]) / 2;
}

/* The median of the differences of a line in a part of it; NAN: too few values are there. */
static double part_median(const struct lines *p, int64_t line, int64_t from, int64_t to)
{
	const int64_t stride = (to - from) / MOST_IN_PART + 1;
	float list[MOST_IN_PART];
	size_t n = 0;

	for (int64_t i = from; i < to; i += stride) {
		const double d = second_difference(p, line, i);

		if (isfinite(d))
			list[n++] = (float)d;
	}
	if (n < LEAST_IN_PART)
		return NAN;
	vector_sort(n, list);
	return (double)list[n / 2];
}

/* Fills a row of PARTS medians for each line that has them; returns their number.  The lines must lie side by side. */
static int64_t find_medians(const struct lines *p, double (*medians)[PARTS])
{
	const int64_t lines = p->count - 2 < MOST_LINES ? p->count - 2 : MOST_LINES;
	const int64_t first = (p->count - lines) / 2;
	int64_t n = 0;

	for (int64_t l = first; l < first + lines; l++) {
		int complete = 1;

		for (int k = 0; k < PARTS; k++) {
			medians[n][k] = part_median(p, l, p->length * k / PARTS,
						    p->length * (k + 1) / PARTS);
			complete &= isfinite(medians[n][k]);
		}
		n += complete;
	}
	return n;
}

/* Limits medians to three times the typical one: edges along lines are few and large. */
static int limit(double (*medians)[PARTS], int64_t n, double *work)
{
	static const double most = 3;
	double reach;

	for (int64_t l = 0; l < n; l++) {
		work[l] = 0;
		for (int k = 0; k < PARTS; k++)
			work[l] += medians[l][k] / PARTS;
		work[l] = fabs(work[l]);
	}
	vector_sort_doubles((size_t)n, work);
	reach = most * work[n / 2];
	for (int64_t l = 0; l < n; l++)
		for (int k = 0; k < PARTS; k++)
			medians[l][k] = fmax(-reach, fmin(medians[l][k], reach));
	return reach > 0;
}

/* Variance that the parts have in common, and its share of their variance: means over pairs of parts. */
static double common_variance(double (*medians)[PARTS], int64_t n, double *share)
{
	double common = 0, own = 0;

	for (int64_t l = 0; l < n; l++)
		for (int k = 0; k < PARTS; k++) {
			own += medians[l][k] * medians[l][k] / PARTS;
			for (int i = 0; i < k; i++)
				common += medians[l][k] * medians[l][i] / (PARTS * (PARTS - 1) / 2);
		}
	*share = common / (own + 1e-300);
	return common / (double)n;
}

/* Correlation of the means of neighbouring lines: -2/3 for the second difference of white noise. */
static double neighbours(double (*medians)[PARTS], int64_t n)
{
	double before = 0, products = 0, squares = 0;

	for (int64_t l = 0; l < n; l++) {
		double mean = 0;

		for (int k = 0; k < PARTS; k++)
			mean += medians[l][k] / PARTS;
		products += l ? mean * before : 0;
		squares += mean * mean;
		before = mean;
	}
	return products / (squares + 1e-300);
}

/* medians: room for all lines; work: likewise. */
static double measure(const struct lines *p, double (*medians)[PARTS], double *work)
{
	/* In 561 crops of pictures without offsets, along rows and columns, the parts had less than 0.4 in common; with offsets half
	 * as large as the noise they have 0.6 and more. */
	static const double agree = 0.5, white = -0.667, near = 0.14;
	/* The variance of the second difference of white noise of variance 1. */
	static const double gain = 1.5;
	const int64_t n = find_medians(p, medians);
	double variance, share;

	if (n < LEAST_LINES || !limit(medians, n, work))
		return 0;
	variance = common_variance(medians, n, &share);
	return share > agree && fabs(neighbours(medians, n) - white) < near ? sqrt(variance / gain)
									    : 0;
}

int bands_find(const struct lacuna_shape *shape, const float *y, int columns, double *deviation)
{
	const int64_t w = shape->extent[0], h = shape->extent[1];
	const int64_t planes = shape->extent[2] * shape->extent[3];
	struct lines p = { .count = columns ? w : h,
			   .length = columns ? h : w,
			   .along = columns ? w : 1,
			   .across = columns ? 1 : w };
	double(*medians)[PARTS];
	double *work;
	int status;

	*deviation = 0;
	if (p.count < LEAST_LINES + 2 || p.length < PARTS * LEAST_IN_PART)
		return LACUNA_OK;
	medians = memory_alloc_array((size_t)MOST_LINES, sizeof *medians);
	work = memory_alloc_array((size_t)MOST_LINES, sizeof *work);
	status = medians && work ? LACUNA_OK : LACUNA_ENOMEM;
	for (int64_t c = 0; !status && c < planes; c++) {
		p.values = y + c * w * h;
		*deviation = fmax(*deviation, measure(&p, medians, work));
	}
	memory_release(medians);
	memory_release(work);
	return status;
}
