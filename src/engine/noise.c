/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The noise level from the picture itself.
 *
 * Method: Ponomarenko, Lukin, Zriakhov, Kaarna, Astola 2007, in the form analysed by Colom and Buades (IPOL 2013,
 * "Analysis and extension of the Ponomarenko et al. method", algorithm 1): among all 8x8 blocks take those with the least
 * energy at low frequencies, where the scene is smooth; there the high frequencies of an orthonormal DCT are noise
 * alone.  Since blocks are chosen by coefficients other than the ones measured, the choice does not bias the result.
 * A blurred picture suits the method: the scene has left its high frequencies, white noise has not. */
#include <config.h>

#include "engine/noise.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* HIGH: the number of coefficients with i + j >= SPLIT */
enum { SIDE = 8, SPLIT = 9, HIGH = 21, MOST_BLOCKS = 250000, LEAST_BLOCKS = 16 };

struct block {
	float low;	  /* energy where 0 < i + j < SPLIT */
	float high[HIGH]; /* squares where i + j >= SPLIT */
};

struct blocks {
	struct block *list;
	size_t count;
	double basis[SIDE][SIDE];
};

static void fill_basis(double basis[SIDE][SIDE])
{
	int k, n;

	for (k = 0; k < SIDE; k++)
		for (n = 0; n < SIDE; n++)
			basis[k][n] = sqrt((k ? 2.0 : 1.0) / SIDE) *
				      cos(acos(-1.0) * (n + 0.5) * k / SIDE);
}

/* False for a block that says nothing of the noise: values missing, or all values alike (clipped, or an empty margin). */
static int usable(const float *pixels, size_t width)
{
	int i, j, different = 0;

	for (j = 0; j < SIDE; j++) {
		for (i = 0; i < SIDE; i++) {
			float v = pixels[(size_t)j * width + (size_t)i];

			if (!isfinite(v))
				return 0;
			different |= v != pixels[0];
		}
	}
	return different;
}

static void transform(const double basis[SIDE][SIDE], const float *pixels, size_t width,
		      struct block *b)
{
	double rows[SIDE][SIDE], low = 0;
	int i, j, k, packed = 0;

	for (j = 0; j < SIDE; j++)
		for (k = 0; k < SIDE; k++) {
			double sum = 0;

			for (i = 0; i < SIDE; i++)
				sum += basis[k][i] * pixels[(size_t)j * width + (size_t)i];
			rows[j][k] = sum;
		}
	for (i = 0; i < SIDE; i++)
		for (k = 0; k < SIDE; k++) {
			double sum = 0;

			for (j = 0; j < SIDE; j++)
				sum += basis[k][j] * rows[j][i];
			if (i + k >= SPLIT)
				b->high[packed++] = (float)(sum * sum);
			else if (i + k)
				low += sum * sum;
		}
	b->low = (float)low;
}

static int by_low(const void *a, const void *b)
{
	float x = ((const struct block *)a)->low, y = ((const struct block *)b)->low;

	return (x > y) - (x < y);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void collect(struct blocks *s, const float *plane, size_t width, size_t height,
		    size_t stride, size_t room)
{
	size_t x, y;

	for (y = 0; y + SIDE <= height; y += stride)
		for (x = 0; x + SIDE <= width && s->count < room; x += stride)
			if (usable(plane + y * width + x, width))
				transform((const double(*)[SIDE])s->basis, plane + y * width + x,
					  width, &s->list[s->count++]);
}

/* Median over coefficients of their mean square in the smoothest blocks. */
static double variance(struct blocks *s)
{
	double mean[HIGH];
	size_t used = s->count / 200, i; /* 0.5 percent, as in the paper */
	int k;

	if (used < LEAST_BLOCKS * 4)
		used = s->count < LEAST_BLOCKS * 4 ? s->count : LEAST_BLOCKS * 4;
	qsort(s->list, s->count, sizeof *s->list, by_low);
	for (k = 0; k < HIGH; k++) {
		mean[k] = 0;
		for (i = 0; i < used; i++)
			mean[k] += s->list[i].high[k] / (double)used;
	}
	qsort(mean, HIGH, sizeof *mean, by_value);
	return mean[HIGH / 2];
}

int noise_estimate(const struct lacuna_shape *shape, const float *y, double *sigma)
{
	size_t width = (size_t)shape->extent[0], height = (size_t)shape->extent[1],
	       plane = width * height;
	size_t planes = (size_t)shape->extent[2] * (size_t)shape->extent[3], i, room, stride = 1;
	double total = 0;
	struct blocks s = { 0 };
	size_t counted = 0;

	if (width < SIDE || height < SIDE)
		return error_set(LACUNA_EINVAL,
				 "the image is too small to estimate its noise; state it with -n");
	while (plane / (stride * stride) > MOST_BLOCKS)
		stride++;
	room = (width / stride + 1) * (height / stride + 1);
	s.list = memory_alloc_array(room, sizeof *s.list);
	if (!s.list)
		return LACUNA_ENOMEM;
	fill_basis(s.basis);
	for (i = 0; i < planes; i++) {
		s.count = 0;
		collect(&s, y + i * plane, width, height, stride, room);
		if (s.count >= LEAST_BLOCKS) {
			total += variance(&s);
			counted++;
		}
	}
	memory_release(s.list);
	if (!counted)
		return error_set(
			LACUNA_EINVAL,
			"too few complete 8x8 blocks to estimate the noise; state it with -n "
			"(0 for none)");
	*sigma = sqrt(total / (double)counted);
	return LACUNA_OK;
}
