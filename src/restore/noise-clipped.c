/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Noise where the file clips: blocks near black and white are left out, or, where there are few others, clipping is undone. */
#include <config.h>

#include "restore/noise-private.h"

#include "base/memory.h"
#include "base/vector.h"

#include <math.h>

int clipped_any(const struct lacuna_shape *shape, const float *y)
{
	const struct clip clip = clip_find(y, lacuna_count(shape));

	return isfinite(clip.lo) || isfinite(clip.hi);
}

void clipped_drop(const struct lacuna_shape *shape, const float *y, struct blocks *s)
{
	const struct clip clip = clip_find(y, lacuna_count(shape));
	struct blocks side;
	struct power half;
	size_t kept = 0;
	double reach;

	if (!isfinite(clip.lo) && !isfinite(clip.hi))
		return;
	/* the half away from the clipped end is not cut off */
	blocks_sort_by_level(s);
	side = blocks_part(s, isfinite(clip.lo) ? s->count / 2 : 0, s->count / 2);
	half = power_of_smoothest(&side);
	reach = 3 * sqrt(power_under_texture(&half));
	for (size_t i = 0; i < s->count; i++)
		if (s->list[i].level > clip.lo + reach && s->list[i].level < clip.hi - reach)
			s->list[kept++] = s->list[i];
	if (kept >= LEAST_BLOCKS * 4)
		s->count = kept;
}

/* ---- clipping undone ----------------------------------------------------------------------------------- */

/* The z with which max(0, z + n), n standard normal, has the mean e.  Newton's method converges, since e is convex in z and
 * z < e. */
static double depth_of_mean(double e)
{
	enum { STEPS = 11 };
	double z = e;

	for (int i = 0; i < STEPS && e < 5; i++) {
		const double above = 0.5 * erfc(-z * sqrt(0.5));
		const double density = 1 / sqrt(2 * acos(-1.0)) * exp(-z * z / 2);

		z -= (z * above + density - e) / above;
	}
	return z;
}

/* Variance of max(0, z + n), whose mean is e. */
static double clipped_variance(double z, double e)
{
	const double above = 0.5 * erfc(-z * sqrt(0.5));
	const double density = 1 / sqrt(2 * acos(-1.0)) * exp(-z * z / 2);

	return e < 5 ? (z * z + 1) * above + z * density - e * e : 1;
}

/* True when noise of this level explains the number of clipped values: a black frame, or a scene with parts below black,
 * would clip more. */
static int is_explained(int clipped, double z)
{
	const double n = SIDE * SIDE, part = 0.5 * erfc(z * sqrt(0.5));

	return fabs(clipped - n * part) <= 1 + 2 * sqrt(n * part * (1 - part));
}

/* Sets the z of each block whose clipping noise of this level explains; of others -INFINITY. */
static void find_depths(const struct blocks *all, double sigma, double *z)
{
	for (size_t i = 0; i < all->count; i++) {
		z[i] = depth_of_mean((double)all->list[i].depth / sigma);
		if (!is_explained(all->list[i].clipped, z[i]))
			z[i] = -INFINITY;
	}
}

static size_t count_above(const double *z, size_t n, double darkest)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += z[i] > darkest;
	return count;
}

/* Copies the blocks whose z is above `darkest', with the power that they would have without clipping. */
static void undo_clipping(const struct blocks *all, double sigma, const double *z, double darkest,
			  struct blocks *undone)
{
	undone->count = 0;
	for (size_t i = 0; i < all->count; i++) {
		struct block b;
		double variance;

		if (!(z[i] > darkest))
			continue;
		b = all->list[i];
		variance = clipped_variance(z[i], (double)b.depth / sigma);
		b.low = (float)(b.low / variance);
		b.middle = (float)(b.middle / variance);
		for (int k = 0; k < HIGH; k++)
			b.high[k] = (float)(b.high[k] / variance);
		undone->list[undone->count++] = b;
	}
}

/* Standard deviation from the median over blocks of which no more than half is clipped; 0: there is none.  high: work. */
static double first_guess(const struct blocks *all, double *high)
{
	size_t n = 0;

	for (size_t i = 0; i < all->count; i++) {
		if (all->list[i].clipped > SIDE * SIDE / 2)
			continue;
		high[n] = 0;
		for (int k = 0; k < HIGH; k++)
			high[n] += all->list[i].high[k] / HIGH;
		n++;
	}
	return n ? sqrt(vector_select(n, high, n / 2)) : 0;
}

/* Measures noise from partly clipped blocks, for pictures that are mostly clipped.  How strong noise is when clipped at some
 * depth is known, so the level is the one that reproduces itself.  Each round at least halves the error: the variance of
 * clipped noise grows more slowly than its square.  A third of the blocks is used: they overlap and often come from one
 * place, so that 16 of them tell no more than three.  *variance 0: nothing was found. */
int clipped_measure(const struct lacuna_shape *shape, const float *y, double *variance)
{
	enum { ROUNDS = 12, ENOUGH = 1500, MOST_USED = 1024 };
	static const double brightest = 2, darkest = -1, step = 0.5; /* in standard deviations */
	struct blocks all = { 0 }, undone = { 0 };
	double *work = NULL, sigma = 0; /* work: a value for each block */
	int status = blocks_collect(shape, y, SIDE * SIDE, 1, &all);

	*variance = 0;
	if (!status) {
		undone = all;
		undone.list = memory_alloc_array(all.count + 1, sizeof *undone.list);
		work = memory_alloc_array(all.count + 1, sizeof *work);
		status = undone.list && work ? LACUNA_OK : LACUNA_ENOMEM;
	}
	if (!status)
		sigma = first_guess(&all, work);
	for (int i = 0; i < ROUNDS && sigma > 0; i++) {
		struct power power;
		double z = brightest;

		find_depths(&all, sigma, work);
		while (z > darkest && count_above(work, all.count, z) < ENOUGH)
			z -= step;
		undo_clipping(&all, sigma, work, z, &undone);
		*variance = 0;
		if (undone.count >= LEAST_BLOCKS) {
			power = power_of_part(&undone, undone.count / 3, MOST_USED);
			*variance = power_under_texture(&power);
		}
		sigma = sqrt(*variance);
	}
	memory_release(work);
	memory_release(undone.list);
	blocks_release(&all);
	return status;
}
