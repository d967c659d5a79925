/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The 8x8 blocks of a picture that tell its noise.
 *
 * Method: Ponomarenko, Lukin, Zriakhov, Kaarna, Astola 2007, in the form analysed by Colom and Buades (IPOL 2013,
 * "Analysis and extension of the Ponomarenko et al. method", algorithm 1): of all 8x8 blocks take those with the least
 * energy at low frequencies, where the scene is smooth; there the high frequencies of an orthonormal DCT are noise
 * alone.  Since blocks are chosen by other coefficients than the ones measured, the choice does not bias the result.
 * Blurred pictures suit the method: blur removes the high frequencies of the scene, but white noise keeps them.
 *
 * Two additions help with pictures full of texture.  The energy at low frequencies is weighted by squared frequency,
 * since the power of scenes falls that way; otherwise blocks would be chosen by their shading, not by their texture.
 * And if the power of the chosen blocks still falls with frequency, white noise is at most what that fall leads to
 * (noise-power.c). */
#include <config.h>

#include "restore/noise-private.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

static void fill_basis(double basis[SIDE][SIDE])
{
	int k, n;

	for (k = 0; k < SIDE; k++)
		for (n = 0; n < SIDE; n++)
			basis[k][n] = sqrt((k ? 2.0 : 1.0) / SIDE) *
				      cos(acos(-1.0) * (n + 0.5) * k / SIDE);
}

struct clip clip_find(const float *plane, size_t n)
{
	struct clip clip = { INFINITY, -INFINITY };
	size_t at_lo = 0, at_hi = 0;

	for (size_t i = 0; i < n; i++) {
		clip.lo = plane[i] < clip.lo ? plane[i] : clip.lo;
		clip.hi = plane[i] > clip.hi ? plane[i] : clip.hi;
	}
	for (size_t i = 0; i < n; i++) {
		at_lo += plane[i] <= clip.lo;
		at_hi += plane[i] >= clip.hi;
	}
	if (at_lo * 200 < n)
		clip.lo = -INFINITY;
	if (at_hi * 200 < n)
		clip.hi = INFINITY;
	return clip;
}

/* False for a block that tells nothing about the noise: values missing, more than `most' clipped, or all alike. */
static int usable(const float *pixels, size_t width, const struct clip *clip, int most,
		  int *clipped)
{
	int i, j, different = 0;

	*clipped = 0;
	for (j = 0; j < SIDE; j++) {
		for (i = 0; i < SIDE; i++) {
			float v = pixels[(size_t)j * width + (size_t)i];

			*clipped += v <= clip->lo || v >= clip->hi;
			if (!isfinite(v) || *clipped > most)
				return 0;
			different |= v < pixels[0] || v > pixels[0];
		}
	}
	return different;
}

static void transform(const double basis[SIDE][SIDE], const float *pixels, size_t width,
		      struct block *b)
{
	double rows[SIDE][SIDE], low = 0, middle = 0, upright = 0, flat = 0, corner = 0, near = 0;
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
			if (i + k == 0)
				b->level = (float)(sum / SIDE);
			else if (i + k >= SPLIT)
				b->high[packed++] = (float)(sum * sum);
			else
				low += sum * sum * (i * i + k * k);
			if (i + k >= MIDDLE_FROM && i + k < SPLIT) {
				middle += sum * sum / MIDDLE;
				upright += i > k ? sum * sum / MIDDLE : 0;
				flat += i < k ? sum * sum / MIDDLE : 0;
			}
			if (i + k >= SPLIT && i + k < NEAR_TO)
				near += sum * sum / NEAR;
			if (i + k >= CORNER_FROM)
				corner += sum * sum / CORNER;
		}
	b->low = (float)low;
	b->middle = (float)middle;
	b->upright = (float)upright;
	b->flat = (float)flat;
	b->near = (float)near;
	b->corner = (float)corner;
}

static int by_low(const void *a, const void *b)
{
	float x = ((const struct block *)a)->low, y = ((const struct block *)b)->low;

	return (x > y) - (x < y);
}

void blocks_sort_by_low(struct block *list, size_t count)
{
	qsort(list, count, sizeof *list, by_low);
}

static int by_level(const void *a, const void *b)
{
	float x = ((const struct block *)a)->level, y = ((const struct block *)b)->level;

	return (x > y) - (x < y);
}

void blocks_sort_by_level(struct block *list, size_t count)
{
	qsort(list, count, sizeof *list, by_level);
}

/* first: index of the plane's first value */
static void collect(struct blocks *s, const float *plane, size_t first, size_t width, size_t height,
		    int most)
{
	const struct clip clip = clip_find(plane, width * height);
	const size_t stride = s->stride;
	size_t x, y;

	for (y = 0; y + SIDE <= height; y += stride)
		for (x = 0; x + SIDE <= width && s->count < s->room; x += stride) {
			const float *pixels = plane + y * width + x;
			struct block *b = &s->list[s->count];

			if (!usable(pixels, width, &clip, most, &b->clipped))
				continue;
			transform((const double(*)[SIDE])s->basis, pixels, width, b);
			b->at = first + y * width + x;
			b->depth = fminf(b->level - clip.lo, clip.hi - b->level);
			s->count++;
		}
}

int blocks_collect(const struct lacuna_shape *shape, const float *y, int most, size_t stride,
		   struct blocks *s)
{
	const size_t width = (size_t)shape->extent[0], height = (size_t)shape->extent[1];
	const size_t plane = width * height;
	const size_t planes = (size_t)shape->extent[2] * (size_t)shape->extent[3];

	*s = (struct blocks){ 0 };
	if (width < SIDE || height < SIDE)
		return error_set(LACUNA_EINVAL,
				 "the image is too small to estimate its noise; state it with -n");
	while (plane * planes / (stride * stride) > MOST_BLOCKS)
		stride++;
	s->room = (width / stride + 1) * (height / stride + 1) * planes;
	s->list = memory_alloc_array(s->room, sizeof *s->list);
	if (!s->list)
		return LACUNA_ENOMEM;
	s->stride = stride;
	fill_basis(s->basis);
	for (size_t i = 0; i < planes; i++)
		collect(s, y + i * plane, i * plane, width, height, most);
	return LACUNA_OK;
}

double blocks_direction(const struct blocks *s)
{
	const size_t used = s->count / 50 + 1;
	double upright = 0, flat = 0;

	for (size_t i = 0; i < used; i++) {
		upright += s->list[i].upright;
		flat += s->list[i].flat;
	}
	return fmax(upright, flat) / (fmin(upright, flat) + 1e-30);
}
