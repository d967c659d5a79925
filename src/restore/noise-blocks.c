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

#include <float.h>
#include <math.h>
#include <string.h>

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
	int out = 0, missing = 0, different = 0;

	/* no way out in between and no choice, so that compilers can take several pixels at once */
	for (int j = 0; j < SIDE; j++) {
		const float *row = pixels + (size_t)j * width, first = pixels[0];

		for (int i = 0; i < SIDE; i++) {
			out += (row[i] <= clip->lo) | (row[i] >= clip->hi);
			missing += !(fabsf(row[i]) <= FLT_MAX);
			different += (row[i] < first) | (row[i] > first);
		}
	}
	*clipped = out;
	return !missing && out <= most && different;
}

/* The orthonormal DCT of each column, in place: sums and differences of opposite values, then four products for each odd
 * wave (Chen, Smith, Fralick 1977).  Columns lie side by side, for vector instructions. */
static void dct_columns(double x[SIDE][SIDE], const double *c)
{
	for (int i = 0; i < SIDE; i++) {
		const double s0 = x[0][i] + x[7][i], d0 = x[0][i] - x[7][i];
		const double s1 = x[1][i] + x[6][i], d1 = x[1][i] - x[6][i];
		const double s2 = x[2][i] + x[5][i], d2 = x[2][i] - x[5][i];
		const double s3 = x[3][i] + x[4][i], d3 = x[3][i] - x[4][i];

		x[0][i] = c[4] * (s0 + s3 + (s1 + s2));
		x[1][i] = c[1] * d0 + c[3] * d1 + c[5] * d2 + c[7] * d3;
		x[2][i] = c[2] * (s0 - s3) + c[6] * (s1 - s2);
		x[3][i] = c[3] * d0 - c[7] * d1 - c[1] * d2 - c[5] * d3;
		x[4][i] = c[4] * (s0 + s3 - (s1 + s2));
		x[5][i] = c[5] * d0 - c[1] * d1 + c[7] * d2 + c[3] * d3;
		x[6][i] = c[6] * (s0 - s3) - c[2] * (s1 - s2);
		x[7][i] = c[7] * d0 - c[5] * d1 + c[3] * d2 - c[1] * d3;
	}
}

/* at: [u][v] is the coefficient of frequency u along rows and v along columns. */
static void dct(const struct blocks *s, const float *pixels, size_t width, double at[SIDE][SIDE])
{
	double columns[SIDE][SIDE];

	for (int j = 0; j < SIDE; j++)
		for (int i = 0; i < SIDE; i++)
			columns[j][i] = pixels[(size_t)j * width + (size_t)i];
	dct_columns(columns, s->cosines);
	for (int j = 0; j < SIDE; j++)
		for (int i = 0; i < SIDE; i++)
			at[i][j] = columns[j][i];
	dct_columns(at, s->cosines);
}

static void transform(const struct blocks *s, const float *pixels, size_t width, struct block *b)
{
	double at[SIDE][SIDE], low = 0, middle = 0, upright = 0, flat = 0;
	int packed = 0;

	dct(s, pixels, width, at);
	for (int sum = 1; sum <= 2 * (SIDE - 1); sum++)
		for (int u = sum < SIDE ? 0 : sum - SIDE + 1; u <= sum && u < SIDE; u++) {
			const int v = sum - u;
			const double power = at[u][v] * at[u][v];

			if (sum >= SPLIT) {
				b->high[packed++] = (float)power;
				continue;
			}
			low += power * (u * u + v * v);
			if (sum >= MIDDLE_FROM) {
				middle += power;
				upright += u > v ? power : 0;
				flat += u < v ? power : 0;
			}
		}
	b->level = (float)(at[0][0] / SIDE);
	b->low = (float)low;
	b->middle = (float)(middle / MIDDLE);
	b->upright = (float)(upright / MIDDLE);
	b->flat = (float)(flat / MIDDLE);
}

/* ---- order --------------------------------------------------------------------------------------------- */

/* Ranks are in the order of values: the bits of a float are, but for the sign. */
static struct block_key key_of(float value, size_t place)
{
	static const uint32_t sign = (uint32_t)1 << 31;
	uint32_t bits;

	memcpy(&bits, &value, sizeof bits);
	return (struct block_key){ bits & sign ? ~bits : bits | sign, (uint32_t)place };
}

/* Radix sort, a byte of the rank at a time, from the last one; equal blocks keep their order. */
static void sort_keys(struct block_key *keys, size_t count)
{
	struct block_key *from = keys, *to = keys + count, *swap;

	for (int shift = 0; shift < 32; shift += 8) {
		size_t next[257] = { 0 };

		for (size_t i = 0; i < count; i++)
			next[(from[i].rank >> shift & 255) + 1]++;
		for (int digit = 1; digit < 256; digit++)
			next[digit] += next[digit - 1];
		for (size_t i = 0; i < count; i++)
			to[next[from[i].rank >> shift & 255]++] = from[i];
		swap = from;
		from = to;
		to = swap;
	}
}

/* Moves each block to where its key is, along the cycles of the permutation. */
static void permute(struct block *list, struct block_key *keys, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct block first = list[i];
		size_t to = i;

		while (keys[to].place != i) {
			const size_t from = keys[to].place;

			list[to] = list[from];
			keys[to].place = (uint32_t)to;
			to = from;
		}
		list[to] = first;
		keys[to].place = (uint32_t)to;
	}
}

static void sort(const struct blocks *s)
{
	sort_keys(s->keys, s->count);
	permute(s->list, s->keys, s->count);
}

void blocks_sort_by_low(const struct blocks *s)
{
	for (size_t i = 0; i < s->count; i++)
		s->keys[i] = key_of(s->list[i].low, i);
	sort(s);
}

void blocks_sort_by_level(const struct blocks *s)
{
	for (size_t i = 0; i < s->count; i++)
		s->keys[i] = key_of(s->list[i].level, i);
	sort(s);
}

struct blocks blocks_part(const struct blocks *s, size_t from, size_t count)
{
	struct blocks part = *s;

	part.list += from;
	part.count = count;
	return part;
}

void blocks_release(struct blocks *s)
{
	memory_release(s->list);
	memory_release(s->keys);
}

/* ---- all of a picture ---------------------------------------------------------------------------------- */

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
			transform(s, pixels, width, b);
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
	s->stride = stride;
	s->room = ((width - SIDE) / stride + 1) * ((height - SIDE) / stride + 1) * planes;
	s->list = memory_alloc_array(s->room, sizeof *s->list);
	s->keys = memory_alloc_array(2 * s->room, sizeof *s->keys);
	if (!s->list || !s->keys)
		return LACUNA_ENOMEM;
	for (int k = 0; k < SIDE; k++)
		s->cosines[k] = 0.5 * cos(acos(-1.0) * k / (2 * SIDE));
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
