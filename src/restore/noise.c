/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Estimates the noise level from the picture itself.
 *
 * Method: Ponomarenko, Lukin, Zriakhov, Kaarna, Astola 2007, in the form analysed by Colom and Buades (IPOL 2013,
 * "Analysis and extension of the Ponomarenko et al. method", algorithm 1): of all 8x8 blocks take those with the least
 * energy at low frequencies, where the scene is smooth; there the high frequencies of an orthonormal DCT are noise
 * alone.  Since blocks are chosen by other coefficients than the ones measured, the choice does not bias the result.
 * Blurred pictures suit the method: blur removes the high frequencies of the scene, but white noise keeps them.
 *
 * Two additions help with pictures full of texture.  The energy at low frequencies is weighted by squared frequency,
 * since the power of scenes falls that way; otherwise blocks would be chosen by their shading, not by their texture.
 * And if the power of the chosen blocks still falls with frequency, white noise is at most what that fall leads to. */
#include <config.h>

#include "restore/noise.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/vector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const double noise_of_none = 0.1;

/* MIDDLE: the number of coefficients with MIDDLE_FROM <= i + j < SPLIT; HIGH: with i + j >= SPLIT; CORNER: with
 * i + j >= CORNER_FROM */
enum {
	SIDE = 8,
	MIDDLE_FROM = 6,
	SPLIT = 9,
	CORNER_FROM = 12,
	NEAR_TO = 11,
	MIDDLE = 22,
	HIGH = 21,
	CORNER = 6,
	NEAR = 11,
	MOST_BLOCKS = 250000,
	LEAST_BLOCKS = 16,
	FEW_BLOCKS = 1000,
	SOME_BLOCKS = 256
};

struct block {
	float level;
	float low;	  /* energy by squared frequency where 0 < i + j < SPLIT */
	float middle;	  /* mean square where MIDDLE_FROM <= i + j < SPLIT */
	float upright;	  /* part of middle: i > j */
	float flat;	  /* part of middle: i < j */
	float near;	  /* mean square where SPLIT <= i + j < NEAR_TO */
	float corner;	  /* mean square where i + j >= CORNER_FROM */
	float high[HIGH]; /* squares where i + j >= SPLIT */
	float depth;	  /* distance of the mean from the nearer value at which the file clips */
	int clipped;	  /* number of clipped values of its 64 */
};

struct blocks {
	struct block *list;
	size_t count, room;
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

/* The values at which a plane clips.  An extreme counts as such if half a percent of the values equal it; else it belongs
 * to the scene, and the limit is infinite. */
struct clip {
	float lo, hi;
};

static struct clip find_clip(const float *plane, size_t n)
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

static int by_level(const void *a, const void *b)
{
	float x = ((const struct block *)a)->level, y = ((const struct block *)b)->level;

	return (x > y) - (x < y);
}

static void collect(struct blocks *s, const float *plane, size_t width, size_t height,
		    size_t stride, int most)
{
	const struct clip clip = find_clip(plane, width * height);
	size_t x, y;

	for (y = 0; y + SIDE <= height; y += stride)
		for (x = 0; x + SIDE <= width && s->count < s->room; x += stride) {
			const float *pixels = plane + y * width + x;
			struct block *b = &s->list[s->count];

			if (!usable(pixels, width, &clip, most, &b->clipped))
				continue;
			transform((const double(*)[SIDE])s->basis, pixels, width, b);
			b->depth = fminf(b->level - clip.lo, clip.hi - b->level);
			s->count++;
		}
}

/* Mean power of blocks. */
struct power {
	double high; /* median over coefficients */
	double middle, near, corner;
};

static struct power mean_power(const struct block *list, size_t used)
{
	struct power p = { 0 };
	double mean[HIGH] = { 0 };

	for (size_t i = 0; i < used; i++) {
		for (int k = 0; k < HIGH; k++)
			mean[k] += list[i].high[k] / (double)used;
		p.middle += list[i].middle / (double)used;
		p.near += list[i].near / (double)used;
		p.corner += list[i].corner / (double)used;
	}
	vector_sort_doubles(HIGH, mean);
	p.high = mean[HIGH / 2];
	return p;
}

/* Ratio of power at middle frequencies to that in the corner.  White noise has less than 1, since the chosen blocks have
 * little power at low and middle frequencies. */
static double falling(const struct power *p)
{
	return p->middle / (p->corner + 1e-30);
}

/* From this falling() on there is texture, or noise that is not white. */
static const double textured = 1.2;

/* Variance of white noise under texture.  Texture has 3 to 6 times as much power at middle frequencies as in the corner; 3
 * is assumed, which gives the smaller variance: lost texture is worse than remaining noise. */
static double variance_under_texture(const struct power *p)
{
	static const double most = 3, least = 0.5;
	const double texture = (p->middle - p->corner) / (most - 1);

	if (falling(p) < textured)
		return p->high;
	return fmin(p->high, fmax(p->corner - texture, least * p->corner));
}

/* True if the power also falls among high frequencies, as that of fine texture does.  Power above that of texture in the
 * smoothest blocks is noise; there a fall may be chance. */
static int falls_on(const struct power *p)
{
	static const double most = 1.5, quiet = 0.01;

	return p->high < quiet * quiet && p->near > most * p->corner;
}

/* Variance under texture from high frequencies alone, by which no block was chosen: the power of texture halves from the
 * nearer ones to the corner. */
static double variance_beyond_texture(const struct power *p)
{
	static const double least = 0.5;

	return fmin(p->high, fmax(2 * p->corner - p->near, least * p->corner));
}

/* Mean power of the smoothest blocks: 0.5 percent of them, as in the paper; of few blocks the given part, at least 16 and at
 * most `most'.  Sorts the list, the smoothest first. */
static struct power power_of_part(struct block *list, size_t count, size_t part, size_t most)
{
	size_t used = count / 200, few = part;

	few = few > most ? most : few < LEAST_BLOCKS ? LEAST_BLOCKS : few;
	used = used > few ? used : few;
	used = used < count ? used : count;
	qsort(list, count, sizeof *list, by_low);
	return mean_power(list, used);
}

static struct power power_of_smoothest(struct block *list, size_t count)
{
	return power_of_part(list, count, count / 20, (size_t)LEAST_BLOCKS * 4);
}

/* Collects the blocks with at most `most' clipped values, at every stride-th row and column or fewer.  The caller releases
 * s->list. */
static int collect_all(const struct lacuna_shape *shape, const float *y, int most, size_t stride,
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
	fill_basis(s->basis);
	for (size_t i = 0; i < planes; i++)
		collect(s, y + i * plane, width, height, stride, most);
	return LACUNA_OK;
}

/* ---- even noise and uneven texture ---------------------------------------------------------------------- */

/* The texture of water, cloth and grass has a direction, noise has none: 1.  Ratio of the power of upright to that of flat
 * waves, or the other way round, whichever is larger.  Uses the smoothest blocks; the list is sorted. */
static double direction(const struct blocks *s)
{
	const size_t used = s->count / 50 + 1;
	double upright = 0, flat = 0;

	for (size_t i = 0; i < used; i++) {
		upright += s->list[i].upright;
		flat += s->list[i].flat;
	}
	return fmax(upright, flat) / (fmin(upright, flat) + 1e-30);
}

/* True if all quiet blocks are about equally strong: noise is, white or not; few textures are. */
static int is_even(const struct blocks *s)
{
	/* chi: quantiles of the mean of 21 squares of white noise (chi-squared), relative to its expectation */
	static const double most = 1.18, chi_200th = 0.383, chi_20th = 0.552;
	double *power = memory_alloc_array(s->count, sizeof *power);
	int even;

	if (!power) {
		error_clear();
		return 0;
	}
	for (size_t i = 0; i < s->count; i++)
		for (int k = 0; k < HIGH; k++)
			power[i] += s->list[i].high[k] / HIGH;
	vector_sort_doubles(s->count, power);
	even = power[s->count / 20] / chi_20th < most * power[s->count / 200] / chi_200th;
	memory_release(power);
	return even;
}

/* ---- variance against level --------------------------------------------------------------------------- */

enum { BINS = 12, LEAST_IN_BIN = 200 };

struct bins {
	int count;
	double level[BINS], variance[BINS];
	double most[BINS];  /* variance if there is no texture */
	double trust[BINS]; /* 1: noise alone; less where there is texture */
};

/* Splits the blocks into ranges of level with equal numbers; measures the variance in the smoothest twentieth of each. */
static void fill_bins(struct blocks *s, struct bins *b)
{
	b->count = s->count / LEAST_IN_BIN < BINS ? (int)(s->count / LEAST_IN_BIN) : BINS;
	qsort(s->list, s->count, sizeof *s->list, by_level);
	for (int k = 0; k < b->count; k++) {
		const size_t from = s->count * (size_t)k / (size_t)b->count;
		const size_t to = s->count * (size_t)(k + 1) / (size_t)b->count;
		const size_t used = (to - from) / 20 > 16 ? (to - from) / 20 : 16;
		struct power power;

		qsort(s->list + from, to - from, sizeof *s->list, by_low);
		b->level[k] = 0;
		for (size_t i = 0; i < used; i++)
			b->level[k] += s->list[from + i].level / (double)used;
		power = mean_power(s->list + from, used);
		b->variance[k] = variance_under_texture(&power);
		b->most[k] = power.high;
		b->trust[k] = fmin(pow(textured / falling(&power), 4), 1);
	}
}

/* Fits variance = slope * level + offset by iterated least squares of relative errors; bins far above it are texture. */
static void fit_line(const struct bins *b, double *slope, double *offset)
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
static int is_line(const struct bins *b, double slope, double offset)
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

/* Drops blocks near a value at which the file clips: noise is cut off there, even if no value of the block is clipped. */
static void leave_clipped(const struct lacuna_shape *shape, const float *y, struct blocks *s)
{
	const struct clip clip = find_clip(y, lacuna_count(shape));
	struct power half;
	size_t kept = 0;
	double reach;

	if (!isfinite(clip.lo) && !isfinite(clip.hi))
		return;
	/* the half away from the clipped end is not cut off */
	qsort(s->list, s->count, sizeof *s->list, by_level);
	half = power_of_smoothest(s->list + (isfinite(clip.lo) ? s->count / 2 : 0), s->count / 2);
	reach = 3 * sqrt(variance_under_texture(&half));
	for (size_t i = 0; i < s->count; i++)
		if (s->list[i].level > clip.lo + reach && s->list[i].level < clip.hi - reach)
			s->list[kept++] = s->list[i];
	if (kept >= LEAST_BLOCKS * 4)
		s->count = kept;
}

/* ---- clipped noise ------------------------------------------------------------------------------------ */

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
		b.near = (float)(b.near / variance);
		b.corner = (float)(b.corner / variance);
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
	vector_sort_doubles(n, high);
	return n ? sqrt(high[n / 2]) : 0;
}

/* Measures noise from partly clipped blocks, for pictures that are mostly clipped.  How strong noise is when clipped at some
 * depth is known, so the level is the one that reproduces itself.  Each round at least halves the error: the variance of
 * clipped noise grows more slowly than its square.  A third of the blocks is used: they overlap and often come from one
 * place, so that 16 of them tell no more than three.  *variance 0: nothing was found. */
static int measure_clipped(const struct lacuna_shape *shape, const float *y, double *variance)
{
	enum { ROUNDS = 12, ENOUGH = 1500, MOST_USED = 1024 };
	static const double brightest = 2, darkest = -1, step = 0.5; /* in standard deviations */
	struct blocks all = { 0 }, undone = { 0 };
	double *work = NULL, sigma = 0; /* work: a value for each block */
	int status = collect_all(shape, y, SIDE * SIDE, 1, &all);

	*variance = 0;
	if (!status) {
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
			power = power_of_part(undone.list, undone.count, undone.count / 3,
					      MOST_USED);
			*variance = variance_under_texture(&power);
		}
		sigma = sqrt(*variance);
	}
	memory_release(work);
	memory_release(undone.list);
	memory_release(all.list);
	return status;
}

/* Measures the noise from blocks without clipped values. */
static void measure_complete(struct blocks *s, struct noise *noise)
{
	static const double directed = 1.9;
	struct bins bins;
	const struct power power = power_of_smoothest(s->list, s->count);
	double slope = 0, offset = 0, mean = 0, low, high;

	noise->offset = falls_on(&power) ? fmin(variance_under_texture(&power),
						variance_beyond_texture(&power))
			: is_even(s) && direction(s) < directed ? power.high
								: variance_under_texture(&power);
	fill_bins(s, &bins);
	if (bins.count >= 4)
		fit_line(&bins, &slope, &offset);
	/* The variance must nearly double from the darkest to the brightest parts: less gains nothing and may be texture. */
	low = slope * bins.level[0] + offset;
	high = bins.count ? slope * bins.level[bins.count - 1] + offset : 0;
	if (bins.count >= 4 && slope > 0 && high > 1.8 * fmax(low, 0) &&
	    is_line(&bins, slope, offset)) {
		double least = INFINITY;

		for (int k = 0; k < bins.count; k++)
			least = fmin(least, bins.variance[k]);
		noise->slope = slope;
		noise->offset = offset;
		noise->least_variance = fmax(0.5 * least, 1e-3 * high);
		for (size_t i = 0; i < s->count; i++)
			mean += fmax(slope * s->list[i].level + offset, noise->least_variance) /
				(double)s->count;
		noise->sigma = sqrt(mean);
	} else {
		noise->sigma = sqrt(noise->offset);
	}
}

static int is_clipped(const struct lacuna_shape *shape, const float *y)
{
	const struct clip clip = find_clip(y, lacuna_count(shape));

	return isfinite(clip.lo) || isfinite(clip.hi);
}

/* Clipped blocks tell the level better than a few complete ones, which are often textured, but not how the noise depends on
 * brightness. */
static void take_clipped(double variance, struct noise *noise)
{
	if (noise->slope > 0)
		return;
	noise->offset = variance;
	noise->sigma = sqrt(variance);
}

int noise_measure(const struct lacuna_shape *shape, const float *y, struct noise *noise)
{
	struct blocks s;
	double clipped = 0;
	int status = collect_all(shape, y, 0, 1, &s);

	*noise = (struct noise){ 0 };
	if (status)
		return status;
	leave_clipped(shape, y, &s);
	if (s.count < FEW_BLOCKS && is_clipped(shape, y))
		status = measure_clipped(shape, y, &clipped);
	if (s.count >= (clipped > 0 ? SOME_BLOCKS : LEAST_BLOCKS))
		measure_complete(&s, noise);
	else if (!status && !(clipped > 0))
		status = error_set(LACUNA_EINVAL,
				   "too few complete 8x8 blocks to estimate the noise; state it "
				   "with -n (0 for none)");
	if (!status && clipped > 0)
		take_clipped(clipped, noise);
	memory_release(s.list);
	return status;
}

int noise_bound(const struct lacuna_shape *shape, const float *y, struct noise_bounds *bounds)
{
	struct blocks s;
	int status = collect_all(shape, y, 0, 2, &s);

	*bounds = (struct noise_bounds){ 0, INFINITY };
	if (status)
		return status;
	leave_clipped(shape, y, &s);
	if (s.count >= LEAST_BLOCKS) {
		const struct power power = power_of_smoothest(s.list, s.count);
		struct noise noise = { 0 };

		measure_complete(&s, &noise);
		if (falling(&power) < textured)
			bounds->least = sqrt(power.high);
		bounds->most = fmax(noise.sigma, sqrt(fmax(power.high, power.middle)));
	}
	memory_release(s.list);
	return LACUNA_OK;
}

/* ---- counted photons ----------------------------------------------------------------------------------- */

/* The step of values that are zero plus whole multiples of it; 0: there are other values, or too many multiples for a few
 * photons.  values: n of them, in order. */
static double step_of_counts(const float *values, size_t n, double zero)
{
	static const double most = 1000, exact = 0.02;
	const double largest = n ? values[n - 1] - zero : 0;
	double step = INFINITY;

	for (size_t i = 1; i < n; i++)
		if (values[i] > values[i - 1])
			step = fmin(step, (double)values[i] - (double)values[i - 1]);
	if (!(largest > 0 && step * most > largest))
		return 0;
	step = largest / round(largest / step);
	for (size_t i = 0; i < n; i++) {
		const double count = (values[i] - zero) / step;

		if (count < -exact || fabs(count - round(count)) > exact)
			return 0;
	}
	return step;
}

/* The step of the values of y, from a sample of them. */
static int find_counts(const struct lacuna_shape *shape, const float *y, double zero, double *step)
{
	const size_t n = lacuna_count(shape), stride = n / MOST_BLOCKS + 1;
	float *values = memory_alloc_array(n / stride + 1, sizeof *values);
	size_t count = 0;

	if (!values)
		return LACUNA_ENOMEM;
	for (size_t i = 0; i < n; i += stride)
		if (isfinite(y[i]))
			values[count++] = y[i];
	vector_sort(count, values);
	*step = step_of_counts(values, count, zero);
	memory_release(values);
	return LACUNA_OK;
}

/* True if the variance of counts is their mean wherever there is no texture, and nowhere less, and the means differ enough
 * to show it.  In the dark, blocks without photons are left out, so that the others seem too loud. */
static int are_photons(const struct bins *b, double step, double zero)
{
	static const double enough = 3, least = 0.6, near = 0.18, brighter = 1.8;
	static const double dark = 0.25; /* photons */
	double trust = 0, off = 0;

	for (int k = 0; k < b->count; k++) {
		const double due = step * (b->level[k] - zero);
		const double ratio = log(b->variance[k] / due);

		if (b->most[k] < least * due)
			return 0;
		if (due < dark * step * step)
			continue;
		trust += b->trust[k];
		off += b->trust[k] * ratio * ratio;
	}
	return trust >= enough && off < near * near * trust &&
	       b->level[b->count - 1] - zero > brighter * (b->level[0] - zero);
}

int noise_of_counts(const struct lacuna_shape *shape, const float *y, double zero,
		    struct noise *noise)
{
	struct blocks s = { 0 };
	struct bins bins;
	double step, mean = 0;
	int status = find_counts(shape, y, zero, &step);

	*noise = (struct noise){ 0 };
	if (status || !(step > 0))
		return status;
	/* a value at zero is no photon, not a clipped one */
	status = collect_all(shape, y, SIDE * SIDE, 2, &s);
	if (status)
		return status;
	fill_bins(&s, &bins);
	if (are_photons(&bins, step, zero)) {
		for (size_t i = 0; i < s.count; i++)
			mean += s.list[i].level / (double)s.count;
		*noise = (struct noise){ .slope = step,
					 .offset = -step * zero,
					 .sigma = sqrt(step * (mean - zero)),
					 .least_variance = noise_of_none * step * step };
	}
	memory_release(s.list);
	return LACUNA_OK;
}

/* Mean within `radius' of each value of a line, without NaN; step: distance from one value to the next. */
static void line_mean(const float *in, int64_t n, int64_t step, int64_t radius, float *out)
{
	for (int64_t i = 0; i < n; i++) {
		double total = 0;
		int count = 0;

		for (int64_t k = i - radius; k <= i + radius; k++)
			if (k >= 0 && k < n && isfinite(in[k * step])) {
				total += in[k * step];
				count++;
			}
		out[i * step] = count ? (float)(total / count) : NAN;
	}
}

/* The same over a square. */
static void box_mean(const float *in, int64_t w, int64_t h, int64_t radius, float *across,
		     float *out)
{
	for (int64_t y = 0; y < h; y++)
		line_mean(in + y * w, w, 1, radius, across + y * w);
	for (int64_t x = 0; x < w; x++)
		line_mean(across + x, h, w, radius, out + x);
}

int noise_map(const struct lacuna_shape *shape, const struct noise *noise, const float *level,
	      int radius, float *sigma)
{
	const int64_t w = shape->extent[0], h = shape->extent[1];
	const size_t n = lacuna_count(shape), area = (size_t)(w * h);
	float *sum = memory_alloc_array(area, sizeof *sum);

	if (!sum)
		return LACUNA_ENOMEM;
	for (size_t first = 0; first < n; first += area)
		box_mean(level + first, w, h, radius, sum, sigma + first);
	memory_release(sum);
	for (size_t i = 0; i < n; i++) {
		const double v = noise->slope * sigma[i] + noise->offset;
		const size_t channel = i / area % (size_t)shape->extent[2];

		sigma[i] = isfinite(sigma[i]) ? (float)sqrt(fmax(v, noise->least_variance))
					      : (float)noise->sigma;
		if (noise->channel[0] > 0)
			sigma[i] *= (float)noise->channel[channel];
	}
	return LACUNA_OK;
}

/* ---- noise that is not white --------------------------------------------------------------------------- */

/* The power in the quietest twentieth of the blocks.  chi: that quantile of the mean of as many squares of white noise
 * (chi-squared), relative to its expectation.  Sorts power. */
static double quiet_power(double *power, size_t count, double chi)
{
	vector_sort_doubles(count, power);
	return power[count / 20] / chi;
}

double noise_correlated(const struct lacuna_shape *shape, const float *y)
{
	/* The ratio of middle to high power is 1 for white noise and 4 for noise correlated over 0.7 px; the texture of most
	 * scenes lies between.  Noise is everywhere, so the quietest blocks differ by chance alone (even: 1.6 for white noise);
	 * texture is weaker in some places, or it has a direction.  Noise of about one grey level cannot be told from
	 * texture at all. */
	static const double stands_out = 2.7, least = 1.2 / 255, even = 2.2, directed = 1.4;
	static const double chi_middle = 0.561, chi_high = 0.552;
	struct blocks s;
	double *power = NULL, middle = 0, high = 0, uneven = INFINITY;
	int correlated = 0;

	if (collect_all(shape, y, 0, 1, &s)) {
		error_clear();
		return 0;
	}
	leave_clipped(shape, y, &s);
	qsort(s.list, s.count, sizeof *s.list, by_low);
	if (s.count >= LEAST_BLOCKS)
		power = memory_alloc_array(s.count, sizeof *power);
	if (power) {
		for (size_t i = 0; i < s.count; i++)
			power[i] = s.list[i].middle;
		middle = quiet_power(power, s.count, chi_middle);
		uneven = power[s.count / 10] / power[s.count / 200];
		for (size_t i = 0; i < s.count; i++) {
			power[i] = 0;
			for (int k = 0; k < HIGH; k++)
				power[i] += s.list[i].high[k] / HIGH;
		}
		high = quiet_power(power, s.count, chi_high);
		correlated = sqrt(high) > least && middle > stands_out * high && uneven < even &&
			     direction(&s) < directed;
	}
	memory_release(power);
	memory_release(s.list);
	return correlated ? sqrt(middle) : 0;
}

struct lacuna_shape noise_half_shape(const struct lacuna_shape *shape)
{
	struct lacuna_shape half = *shape;

	half.extent[0] /= 2;
	half.extent[1] /= 2;
	return half;
}

void noise_halve(const struct lacuna_shape *shape, const float *y, float *half)
{
	const int64_t w = shape->extent[0], h = shape->extent[1];
	const int64_t planes = shape->extent[2] * shape->extent[3];

	for (int64_t c = 0; c < planes; c++)
		for (int64_t j = 0; j + 1 < h; j += 2)
			for (int64_t i = 0; i + 1 < w; i += 2) {
				const float *at = y + i + w * (j + h * c);
				const float four[4] = { at[0], at[1], at[w], at[w + 1] };
				double sum = 0;
				int count = 0;

				for (int k = 0; k < 4; k++)
					if (isfinite(four[k])) {
						sum += (double)four[k];
						count++;
					}
				*half++ = count ? (float)(sum / count) : NAN;
			}
}

/* Sums over the steps before columns p, p + 8, ...  height: what a step exceeds the prediction of its neighbours by; part:
 * that relative to all change nearby, which tells as much in texture as elsewhere. */
struct steps {
	double height[8], part[8], count[8];
};

static void add_steps(const float *y, int64_t n, int64_t lines, int64_t along, int64_t across,
		      struct steps *s)
{
	static const double little = 1.0 / 255;

	for (int64_t l = 0; l < lines; l++)
		for (int64_t i = 2; i + 1 < n; i++) {
			const float *v = y + l * across + i * along;
			const double before = v[-along] - v[-2 * along], after = v[along] - v[0];
			const double height = fabs(v[0] - v[-along] - (before + after) / 2);
			const double nearby = (fabs(before) + fabs(after)) / 2;

			if (isfinite(height)) {
				s->height[i % 8] += height;
				s->part[i % 8] += height / (height + nearby + little);
				s->count[i % 8]++;
			}
		}
}

static void sort_means(const double sum[8], const double count[8], double mean[8])
{
	for (int p = 0; p < 8; p++)
		mean[p] = count[p] > 0 ? sum[p] / count[p] : 0;
	vector_sort_doubles(8, mean);
}

/* The largest of the eight mean heights less their median.  *ratio: the largest mean part divided by the second largest. */
static double excess(const struct steps *s, double *ratio)
{
	double part[8], height[8];

	sort_means(s->part, s->count, part);
	sort_means(s->height, s->count, height);
	*ratio = part[6] > 0 ? part[7] / part[6] : 1;
	return height[7] - height[3];
}

double noise_jpeg(const struct lacuna_shape *shape, const float *y)
{
	const int64_t w = shape->extent[0], h = shape->extent[1];
	const int64_t planes = shape->extent[2] * shape->extent[3];
	/* In 137 pictures that never were JPEG, with and without noise, at least one of the two ratios was below 1.03, and
	 * their product below 1.08. */
	static const double both = 1.12, each = 1.015;
	struct steps across = { 0 }, down = { 0 };
	double level, to_right, to_below;

	if (w < 4 * SIDE || h < 4 * SIDE)
		return 0;
	for (int64_t c = 0; c < planes; c++) {
		add_steps(y + c * w * h, w, h, 1, w, &across);
		add_steps(y + c * w * h, h, w, w, 1, &down);
	}
	level = sqrt(excess(&across, &to_right) * excess(&down, &to_below));
	return to_right > each && to_below > each && to_right * to_below > both ? level : 0;
}
