/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Noise that is stronger in one place than in another, and not for its brightness: flat-fielded pictures, mosaics of
 * exposures, pictures of which a part was denoised.
 *
 * The picture is divided into overlapping tiles.  A tile tells the noise if nearly all of it is noise: its smoothest blocks
 * have the spectrum of white noise, and most others are hardly louder.  Textures are seldom like that.  Elsewhere the level
 * is that of the nearest such tiles, but no more than the smoothest blocks there have. */
#include <config.h>

#include "restore/noise-private.h"

#include "base/memory.h"
#include "base/vector.h"

#include <math.h>
#include <stdlib.h>

/* Tiles are as wide as two cells and begin at each.  PER_SIDE: blocks along a cell; LEAST_IN_TILE: blocks that tell its noise. */
enum { PER_SIDE = 4, LEAST_STRIDE = 4, LEAST_IN_TILE = 16, MOST_IN_TILE = 4 * PER_SIDE * PER_SIDE };

struct tiles {
	int64_t across, down, planes; /* numbers of tiles; there is one more cell along each side */
	int64_t step;		      /* from one tile to the next, px */
	size_t count;		      /* of all planes */
	/* Variances relative to the law.  told: 0 if the tile does not tell it.  most: that of its smoothest blocks, or
	 * INFINITY. */
	double *told, *most;
	double *level; /* what is found, in each tile */
};

/* ---- tiles --------------------------------------------------------------------------------------------- */

static double law(const struct noise *noise, double level, size_t channel)
{
	const double factor = noise->channel[0] > 0 ? noise->channel[channel] : 1;
	const double v = noise->slope > 0
				 ? fmax(noise->slope * level + noise->offset, noise->least_variance)
				 : noise->sigma * noise->sigma;

	return v * factor * factor;
}

/* Divides the power of each block by what the law gives, and turns its place into the number of its cell. */
static void enter_cells(const struct lacuna_shape *shape, const struct noise *noise,
			const struct tiles *t, struct blocks *s)
{
	const size_t w = (size_t)shape->extent[0], area = w * (size_t)shape->extent[1];
	const size_t step = (size_t)t->step, cells_across = (size_t)t->across + 1,
		     cells = cells_across * ((size_t)t->down + 1);

	for (size_t i = 0; i < s->count; i++) {
		struct block *b = &s->list[i];
		const size_t plane = b->at / area, x = b->at % w, y = b->at % area / w;
		const double v = law(noise, (double)b->level, plane % (size_t)shape->extent[2]);

		b->middle = (float)(b->middle / v);
		for (int k = 0; k < HIGH; k++)
			b->high[k] = (float)(b->high[k] / v);
		b->at = plane * cells + y / step * cells_across + x / step;
	}
}

static int by_cell(const void *a, const void *b)
{
	const size_t x = ((const struct block *)a)->at, y = ((const struct block *)b)->at;

	return (x > y) - (x < y);
}

static double high_power(const struct block *b)
{
	double sum = 0;

	for (int k = 0; k < HIGH; k++)
		sum += b->high[k] / HIGH;
	return sum;
}

/* s: the blocks of a tile, which are sorted. */
static void measure_tile(const struct blocks *s, double *told, double *most)
{
	static const double even = 1.3;
	const size_t n = s->count, used = n / 2;
	double all[MOST_IN_TILE];
	struct power power;

	*told = 0;
	*most = INFINITY;
	if (n < LEAST_IN_TILE)
		return;
	blocks_sort_by_low(s);
	power = power_mean(s->list, used);
	for (size_t i = 0; i < n; i++)
		all[i] = high_power(&s->list[i]);
	*most = power_under_texture(&power);
	if (power.high > 0 && !power_is_textured(&power) &&
	    vector_select(n, all, n / 2) < even * power.high)
		*told = power.high;
}

/* first: where the blocks of each cell begin in s->list, and the end. */
static void measure_tiles(const struct blocks *s, const size_t *first, struct tiles *t)
{
	const size_t cells_across = (size_t)t->across + 1;
	const size_t cells = cells_across * ((size_t)t->down + 1);
	struct block list[MOST_IN_TILE];
	struct block_key keys[2 * MOST_IN_TILE];

	for (size_t i = 0; i < t->count; i++) {
		const size_t across = (size_t)t->across, plane = i / (across * (size_t)t->down);
		const size_t x = i % across, y = i / across % (size_t)t->down;
		struct blocks tile = { .list = list, .keys = keys };

		for (size_t row = y; row < y + 2; row++) {
			const size_t cell = plane * cells + row * cells_across + x;

			/* two cells of a row lie side by side */
			for (size_t k = first[cell];
			     k < first[cell + 2] && tile.count < MOST_IN_TILE; k++)
				list[tile.count++] = s->list[k];
		}
		measure_tile(&tile, &t->told[i], &t->most[i]);
	}
}

static int fill_tiles(const struct lacuna_shape *shape, const struct noise *noise, struct blocks *s,
		      struct tiles *t)
{
	const size_t cells = ((size_t)t->across + 1) * ((size_t)t->down + 1) * (size_t)t->planes;
	size_t *first = memory_alloc_array(cells + 1, sizeof *first), at = 0;

	if (!first)
		return LACUNA_ENOMEM;
	enter_cells(shape, noise, t, s);
	qsort(s->list, s->count, sizeof *s->list, by_cell);
	for (size_t c = 0; c <= cells; c++) {
		while (at < s->count && s->list[at].at < c)
			at++;
		first[c] = at;
	}
	measure_tiles(s, first, t);
	memory_release(first);
	return LACUNA_OK;
}

/* ---- judgement ----------------------------------------------------------------------------------------- */

/* True if enough tiles tell a level far from the law's.  Noise of about two grey levels cannot be told from the finest
 * texture, nor from what rounding leaves of noise. */
static int is_uneven(const struct tiles *t, double sigma)
{
	static const double far = 1.35 * 1.35, part = 0.1, telling = 0.05;
	static const double least = 3.0 / 255;
	const double quiet = least * least / (sigma * sigma);
	enum { LEAST = 6, LEAST_FAR = 4 };
	size_t told = 0, louder = 0, quieter = 0, off;

	for (size_t i = 0; i < t->count; i++) {
		told += t->told[i] > 0;
		louder += t->told[i] > fmax(far, quiet);
		quieter += t->told[i] > 0 && t->told[i] < 1 / far && quiet < 1;
	}
	off = louder > quieter ? louder : quieter;
	return told >= LEAST && (double)told >= telling * (double)t->count && off >= LEAST_FAR &&
	       (double)off >= part * (double)told;
}

/* ---- levels everywhere --------------------------------------------------------------------------------- */

/* The level that the nearest telling tiles of the plane have, from rings around (x, y) until there are some. */
static double level_nearby(const struct tiles *t, const double *told, int64_t x, int64_t y)
{
	enum { SOME = 4 };
	const int64_t farthest = t->across > t->down ? t->across : t->down;
	double weights = 0, sum = 0;
	int found = 0;

	for (int64_t r = 1; r <= farthest && found < SOME; r++)
		for (int64_t j = y - r; j <= y + r; j++)
			for (int64_t i = x - r; i <= x + r; i += llabs(j - y) == r ? 1 : 2 * r) {
				const int inside = i >= 0 && j >= 0 && i < t->across && j < t->down;
				const double v = inside ? told[j * t->across + i] : 0;
				const double weight =
					1 / (double)((i - x) * (i - x) + (j - y) * (j - y));

				if (v > 0) {
					weights += weight;
					sum += weight * log(v);
					found++;
				}
			}
	return found ? exp(sum / weights) : 1;
}

static void fill_levels(struct tiles *t)
{
	const size_t area = (size_t)(t->across * t->down);

	for (size_t i = 0; i < t->count; i++) {
		const double *told = t->told + i / area * area;
		const int64_t at = (int64_t)(i % area);

		t->level[i] = t->told[i] > 0
				      ? t->told[i]
				      : fmin(t->most[i],
					     level_nearby(t, told, at % t->across, at / t->across));
	}
}

/* The tiles between whose middles position v lies, and the share of the second. */
static int64_t between(const struct tiles *t, int64_t v, int64_t tiles, double *share)
{
	const double at = ((double)v + 0.5 - SIDE / 2) / (double)t->step - 1;
	const double inside = fmin(fmax(at, 0), (double)(tiles - 1));
	const int64_t first = tiles > 1 ? (int64_t)fmin(floor(inside), (double)(tiles - 2)) : 0;

	*share = inside - (double)first;
	return first;
}

/* factor: of the deviation, at each pixel, between the middles of tiles. */
static void spread(const struct lacuna_shape *shape, const struct tiles *t, float *factor)
{
	const int64_t w = shape->extent[0], h = shape->extent[1];
	const size_t area = (size_t)(t->across * t->down);

	for (int64_t p = 0; p < t->planes; p++)
		for (int64_t y = 0; y < h; y++) {
			double below, right;
			const int64_t row = between(t, y, t->down, &below);
			const double *upper = t->level + (size_t)p * area + row * t->across;
			const double *lower = t->down > 1 ? upper + t->across : upper;

			for (int64_t x = 0; x < w; x++) {
				const int64_t i = between(t, x, t->across, &right);
				const int64_t k = t->across > 1 ? i + 1 : i;
				const double a = upper[i] + right * (upper[k] - upper[i]);
				const double b = lower[i] + right * (lower[k] - lower[i]);

				factor[x + w * (y + h * p)] = (float)sqrt(a + below * (b - a));
			}
		}
}

/* Deviations that hold for nearly all tiles, relative to the law. */
static void find_range(const struct tiles *t, double range[2])
{
	static const double tail = 0.05;
	const size_t last = t->count - 1;

	vector_sort_doubles(t->count, t->level);
	range[0] = sqrt(t->level[(size_t)(tail * (double)last)]);
	range[1] = sqrt(t->level[(size_t)((1 - tail) * (double)last)]);
}

int noise_in_places(const struct lacuna_shape *shape, const float *y, const struct noise *noise,
		    float *factor, double range[2])
{
	/* Less noise makes no difference that is worth a map. */
	static const double least = 1e-4;
	struct tiles t = { .planes = shape->extent[2] * shape->extent[3] };
	struct blocks s = { 0 };
	int status;

	range[0] = range[1] = 1;
	if (!(noise->sigma > least) || shape->extent[0] < SIDE || shape->extent[1] < SIDE)
		return LACUNA_OK;
	status = blocks_collect(shape, y, 0, LEAST_STRIDE, &s);
	if (!status)
		clipped_drop(shape, y, &s);
	t.step = PER_SIDE * (int64_t)s.stride;
	t.across = (shape->extent[0] - SIDE) / t.step;
	t.down = (shape->extent[1] - SIDE) / t.step;
	t.count = t.across > 0 && t.down > 0 ? (size_t)(t.across * t.down * t.planes) : 0;
	if (!status && t.count) {
		t.told = memory_alloc_array(3 * t.count, sizeof *t.told);
		status = t.told ? LACUNA_OK : LACUNA_ENOMEM;
	}
	if (!status && t.count) {
		t.most = t.told + t.count;
		t.level = t.most + t.count;
		status = fill_tiles(shape, noise, &s, &t);
	}
	if (!status && t.count && is_uneven(&t, noise->sigma)) {
		fill_levels(&t);
		spread(shape, &t, factor);
		find_range(&t, range);
	}
	memory_release(t.told);
	blocks_release(&s);
	return status;
}
