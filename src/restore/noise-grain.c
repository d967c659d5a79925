/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Noise whose grain is several pixels wide: film, and pictures that were enlarged. */
#include <config.h>

#include "restore/noise-private.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>

float *noise_half(const struct lacuna_shape *shape, const float *y, struct lacuna_shape *half)
{
	float *small;

	*half = noise_half_shape(shape);
	if (half->extent[0] < 32 || half->extent[1] < 32)
		return NULL;
	small = memory_alloc_array(lacuna_count(half), sizeof *small);
	if (!small) {
		error_clear();
		return NULL;
	}
	noise_halve(shape, y, small);
	return small;
}

/* The mean of 2x2 values of white noise has half its level, and that of a scene's texture about as much as before.  Less than
 * `least' may be texture of a picture that was enlarged. */
static int rises(const struct grain *fine, const struct grain *coarse, double least)
{
	static const double jump = 2;

	return sqrt(coarse->high) > fmax(least, jump * sqrt(fine->high));
}

/* A small picture has few blocks, so that texture may seem even by chance.  With this finer one it is not. */
static int is_nearly_noise(const struct grain *g)
{
	static const double even = 2.6, directed = 1.6;

	return g->uneven < even && g->direction < directed;
}

static double level(const struct grain *g)
{
	return sqrt(fmax(g->middle, g->high));
}

/* *g stays as it was if the picture is too small. */
static float *measure_half(const struct lacuna_shape *shape, const float *y,
			   struct lacuna_shape *half, struct grain *g)
{
	float *small = noise_half(shape, y, half);

	if (small && grain_measure(half, small, g)) {
		error_clear();
		memory_release(small);
		small = NULL;
	}
	return small;
}

void noise_find_grain(const struct lacuna_shape *shape, const float *y, struct noise_grain *found)
{
	/* A quarter of the size has few blocks. */
	static const double least_half = 3.0 / 255, least_quarter = 5.0 / 255;
	struct grain full, half, quarter;
	struct lacuna_shape h, q;
	int rose = 0;
	float *small = NULL, *smaller = NULL;

	*found = (struct noise_grain){ 0 };
	if (grain_measure(shape, y, &full)) {
		error_clear();
		return;
	}
	if (grain_is_correlated(&full))
		found->correlated = sqrt(full.middle);
	small = measure_half(shape, y, &h, &half);
	if (small)
		smaller = measure_half(&h, small, &q, &quarter);
	if (small && grain_is_noise(&half, 0)) {
		rose = rises(&full, &half, least_half);
		if (rose || grain_is_correlated(&half))
			found->half = level(&half);
	}
	if (smaller && is_nearly_noise(&half) && grain_is_noise(&quarter, 1) &&
	    rises(&half, &quarter, least_quarter)) {
		rose = 1;
		found->half = level(&half);
		found->quarter = level(&quarter);
	}
	found->fine = rose && is_nearly_noise(&full) ? level(&full) : found->correlated;
	memory_release(small);
	memory_release(smaller);
}
