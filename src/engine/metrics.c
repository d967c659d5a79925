/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "engine/metrics.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>

/* ---- SSIM: Wang, Bovik, Sheikh, Simoncelli 2004, equation 13 */

enum { WINDOW = 11, MOMENTS = 5 }; /* a, b, aa, bb, ab */

struct window {
	double weight[WINDOW];
};

static void gaussian_window(struct window *w)
{
	double sum = 0;
	int i;

	for (i = 0; i < WINDOW; i++) {
		double d = (i - WINDOW / 2) / 1.5;

		w->weight[i] = exp(-0.5 * d * d);
		sum += w->weight[i];
	}
	for (i = 0; i < WINDOW; i++)
		w->weight[i] /= sum;
}

/* Filters one row of a, b, aa, bb and ab along x: n values each. */
static void filter_row(const struct window *w, const float *a, const float *b, size_t n,
		       double *out)
{
	size_t x;
	int k;

	for (x = 0; x < n; x++) {
		double m[MOMENTS] = { 0 };

		for (k = 0; k < WINDOW; k++) {
			double p = a[x + (size_t)k], q = b[x + (size_t)k], g = w->weight[k];

			m[0] += g * p;
			m[1] += g * q;
			m[2] += g * p * p;
			m[3] += g * q * q;
			m[4] += g * p * q;
		}
		for (k = 0; k < MOMENTS; k++)
			out[(size_t)k * n + x] = m[k];
	}
}

static double similarity(const double m[MOMENTS])
{
	const double c1 = 0.01 * 0.01, c2 = 0.03 * 0.03;
	double va = m[2] - m[0] * m[0], vb = m[3] - m[1] * m[1], cov = m[4] - m[0] * m[1];

	return (2 * m[0] * m[1] + c1) * (2 * cov + c2) /
	       ((m[0] * m[0] + m[1] * m[1] + c1) * (va + vb + c2));
}

/* Adds the SSIM values of one plane to *sum, their number to *count.  rows: ring of WINDOW rows of MOMENTS * n doubles. */
static void plane_ssim(const struct window *w, const float *a, const float *b, size_t width,
		       size_t height, double *rows, double *sum, double *count)
{
	size_t n = width - WINDOW + 1, y, x;
	int k, j;

	for (y = 0; y < height; y++) {
		filter_row(w, a + y * width, b + y * width, n, rows + y % WINDOW * MOMENTS * n);
		if (y + 1 < WINDOW)
			continue;
		for (x = 0; x < n; x++) {
			double m[MOMENTS] = { 0 }, s;

			for (k = 0; k < WINDOW; k++) {
				const double *row =
					rows + (y + 1 + (size_t)k) % WINDOW * MOMENTS * n + x;

				for (j = 0; j < MOMENTS; j++)
					m[j] += w->weight[k] * row[(size_t)j * n];
			}
			s = similarity(m);
			if (isfinite(s)) {
				*sum += s;
				*count += 1;
			}
		}
	}
}

static int ssim(const struct lacuna_shape *shape, const float *a, const float *b, double *result)
{
	size_t width = (size_t)shape->extent[0], height = (size_t)shape->extent[1],
	       plane = width * height;
	size_t planes = (size_t)shape->extent[2] * (size_t)shape->extent[3], i;
	double sum = 0, count = 0, *rows;
	struct window w;

	*result = NAN;
	if (width < WINDOW || height < WINDOW)
		return LACUNA_OK;
	rows = memory_alloc_array(WINDOW * MOMENTS * sizeof *rows, width);
	if (!rows)
		return LACUNA_ENOMEM;
	gaussian_window(&w);
	for (i = 0; i < planes; i++)
		plane_ssim(&w, a + i * plane, b + i * plane, width, height, rows, &sum, &count);
	memory_release(rows);
	if (count > 0)
		*result = sum / count;
	return LACUNA_OK;
}

int metrics_compute(const struct lacuna_shape *shape, const float *reference, const float *image,
		    struct metrics *m)
{
	size_t n = lacuna_count(shape), i, counted = 0;
	double error = 0, energy = 0, largest = 0;

	for (i = 0; i < n; i++) {
		double d = (double)reference[i] - (double)image[i];

		if (isnan(d))
			continue;
		counted++;
		error += d * d;
		energy += (double)reference[i] * (double)reference[i];
		largest = fmax(largest, fabs(d));
	}
	if (!counted)
		return error_set(LACUNA_EINVAL, "the images have no values to compare");
	m->psnr = error > 0 ? 10 * log10((double)counted / error) : INFINITY;
	m->nrmse = energy > 0 ? sqrt(error / energy) : error > 0 ? INFINITY : 0;
	m->max_abs = largest;
	return ssim(shape, reference, image, &m->ssim);
}
