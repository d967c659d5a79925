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

#include "restore/noise.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* MIDDLE: the number of coefficients with MIDDLE_FROM <= i + j < SPLIT; HIGH: with i + j >= SPLIT */
enum {
	SIDE = 8,
	MIDDLE_FROM = 6,
	SPLIT = 9,
	MIDDLE = 22,
	HIGH = 21,
	MOST_BLOCKS = 250000,
	LEAST_BLOCKS = 16
};

struct block {
	float level;
	float low;	  /* energy where 0 < i + j < SPLIT */
	float middle;	  /* mean square where MIDDLE_FROM <= i + j < SPLIT */
	float high[HIGH]; /* squares where i + j >= SPLIT */
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

/* The extremes of a plane, where they are those of its type and not of the scene: several values in a thousand are
 * exactly that. */
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

/* False for a block that says nothing of the noise: values missing or clipped, or all values alike. */
static int usable(const float *pixels, size_t width, const struct clip *clip)
{
	int i, j, different = 0;

	for (j = 0; j < SIDE; j++) {
		for (i = 0; i < SIDE; i++) {
			float v = pixels[(size_t)j * width + (size_t)i];

			if (!isfinite(v) || v <= clip->lo || v >= clip->hi)
				return 0;
			different |= v < pixels[0] || v > pixels[0];
		}
	}
	return different;
}

static void transform(const double basis[SIDE][SIDE], const float *pixels, size_t width,
		      struct block *b)
{
	double rows[SIDE][SIDE], low = 0, middle = 0;
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
				low += sum * sum;
			if (i + k >= MIDDLE_FROM && i + k < SPLIT)
				middle += sum * sum / MIDDLE;
		}
	b->low = (float)low;
	b->middle = (float)middle;
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

static int by_level(const void *a, const void *b)
{
	float x = ((const struct block *)a)->level, y = ((const struct block *)b)->level;

	return (x > y) - (x < y);
}

static void collect(struct blocks *s, const float *plane, size_t width, size_t height,
		    size_t stride)
{
	const struct clip clip = find_clip(plane, width * height);
	size_t x, y;

	for (y = 0; y + SIDE <= height; y += stride)
		for (x = 0; x + SIDE <= width && s->count < s->room; x += stride)
			if (usable(plane + y * width + x, width, &clip))
				transform((const double(*)[SIDE])s->basis, plane + y * width + x,
					  width, &s->list[s->count++]);
}

/* Median over coefficients of their mean square in the first blocks of a list. */
static double variance(const struct block *list, size_t used)
{
	double mean[HIGH];

	for (int k = 0; k < HIGH; k++) {
		mean[k] = 0;
		for (size_t i = 0; i < used; i++)
			mean[k] += list[i].high[k] / (double)used;
	}
	qsort(mean, HIGH, sizeof(*mean), by_value);
	return mean[HIGH / 2];
}

/* Of the smoothest blocks: 0.5 percent, as in the paper; where there are few, up to 64 and a twentieth of them. */
static double variance_of_all(struct blocks *s)
{
	size_t used = s->count / 200, few = s->count / 20;

	few = few > LEAST_BLOCKS * 4 ? LEAST_BLOCKS * 4 : few < LEAST_BLOCKS ? LEAST_BLOCKS : few;
	used = used > few ? used : few;
	used = used < s->count ? used : s->count;
	qsort(s->list, s->count, sizeof(*s->list), by_low);
	return variance(s->list, used);
}

static int collect_all(const struct lacuna_shape *shape, const float *y, struct blocks *s)
{
	const size_t width = (size_t)shape->extent[0], height = (size_t)shape->extent[1];
	const size_t plane = width * height;
	const size_t planes = (size_t)shape->extent[2] * (size_t)shape->extent[3];
	size_t stride = 1;

	*s = (struct blocks){ 0 };
	if (width < SIDE || height < SIDE)
		return error_set(LACUNA_EINVAL,
				 "the image is too small to estimate its noise; state it with -n");
	while (plane * planes / (stride * stride) > MOST_BLOCKS)
		stride++;
	s->room = (width / stride + 1) * (height / stride + 1) * planes;
	s->list = memory_alloc_array(s->room, sizeof(*s->list));
	if (!s->list)
		return LACUNA_ENOMEM;
	fill_basis(s->basis);
	for (size_t i = 0; i < planes; i++)
		collect(s, y + i * plane, width, height, stride);
	if (s->count < LEAST_BLOCKS) {
		memory_release(s->list);
		s->list = NULL;
		return error_set(
			LACUNA_EINVAL,
			"too few complete 8x8 blocks to estimate the noise; state it with -n "
			"(0 for none)");
	}
	return LACUNA_OK;
}

/* ---- variance against level --------------------------------------------------------------------------- */

enum { BINS = 12, LEAST_IN_BIN = 200 };

struct bins {
	int count;
	double level[BINS], variance[BINS];
	/* Power at middle frequencies by that at high ones.  Of white noise it is less than 1, for the blocks are those
	 * where low and middle frequencies are least. */
	double texture[BINS];
};

/* In each of several ranges of level with as many blocks: the variance in the smoothest twentieth of them. */
static void fill_bins(struct blocks *s, struct bins *b)
{
	b->count = s->count / LEAST_IN_BIN < BINS ? (int)(s->count / LEAST_IN_BIN) : BINS;
	qsort(s->list, s->count, sizeof(*s->list), by_level);
	for (int k = 0; k < b->count; k++) {
		const size_t from = s->count * (size_t)k / (size_t)b->count;
		const size_t to = s->count * (size_t)(k + 1) / (size_t)b->count;
		const size_t used = (to - from) / 20 > 16 ? (to - from) / 20 : 16;

		qsort(s->list + from, to - from, sizeof(*s->list), by_low);
		b->level[k] = b->texture[k] = 0;
		for (size_t i = 0; i < used; i++) {
			b->level[k] += s->list[from + i].level / (double)used;
			b->texture[k] += s->list[from + i].middle / (double)used;
		}
		b->variance[k] = variance(s->list + from, used);
		b->texture[k] /= b->variance[k] + 1e-30;
	}
}

/* variance = slope * level + offset by least squares of relative errors, iterated; what lies far above is texture. */
static void fit_line(const struct bins *b, double *slope, double *offset)
{
	double a = 0, c = 0, weight[BINS];

	for (int k = 0; k < b->count; k++)
		weight[k] = 1 / (b->variance[k] * b->variance[k] + 1e-30);
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

			weight[k] = 1 / (v * v) / (r > 0.3 ? r * r / 0.09 : 1);
		}
	}
	*slope = a;
	*offset = c;
}

/* How far the bins with less than so much texture lie from their mean and from the line, in logarithms; their number. */
static int misfit(const struct bins *b, double slope, double offset, double texture,
		  double *from_mean, double *from_line)
{
	double mean = 0;
	int count = 0;

	*from_mean = *from_line = 0;
	for (int k = 0; k < b->count; k++)
		if (b->texture[k] < texture) {
			mean += log(b->variance[k]);
			count++;
		}
	for (int k = 0; k < b->count; k++)
		if (b->texture[k] < texture) {
			const double v = slope * b->level[k] + offset, l = log(b->variance[k]);

			*from_mean += (l - mean / count) * (l - mean / count);
			*from_line += v > 0 ? (l - log(v)) * (l - log(v)) : INFINITY;
		}
	return count;
}

/* The line explains most of what the bins differ by.  Texture that is stronger here than there is no line: then the bins
 * that show noise alone do not follow it. */
static int is_line(const struct bins *b, double slope, double offset)
{
	enum { ENOUGH = 4 };
	double from_mean, from_line;

	misfit(b, slope, offset, INFINITY, &from_mean, &from_line);
	if (!(from_line < 0.3 * from_mean))
		return 0;
	return misfit(b, slope, offset, 1, &from_mean, &from_line) < ENOUGH ||
	       from_line < from_mean;
}

/* Near a value at which the file clips, noise is cut off although no value of the block is: such blocks go. */
static void leave_clipped(const struct lacuna_shape *shape, const float *y, struct blocks *s)
{
	const struct clip clip = find_clip(y, lacuna_count(shape));
	size_t kept = 0;
	double reach;

	if (!isfinite(clip.lo) && !isfinite(clip.hi))
		return;
	/* the brighter half, or the darker one, is not cut off */
	qsort(s->list, s->count, sizeof(*s->list), by_level);
	reach = isfinite(clip.lo) ? variance(s->list + s->count / 2, s->count - s->count / 2)
				  : variance(s->list, s->count / 2);
	reach = 3 * sqrt(fmin(reach, variance_of_all(s) * 4));
	for (size_t i = 0; i < s->count; i++)
		if (s->list[i].level > clip.lo + reach && s->list[i].level < clip.hi - reach)
			s->list[kept++] = s->list[i];
	if (kept >= LEAST_BLOCKS * 4)
		s->count = kept;
}

int noise_measure(const struct lacuna_shape *shape, const float *y, struct noise *noise)
{
	struct blocks s;
	struct bins bins;
	double slope = 0, offset = 0, mean = 0, low, high;
	int status = collect_all(shape, y, &s);

	if (status)
		return status;
	*noise = (struct noise){ 0 };
	leave_clipped(shape, y, &s);
	noise->offset = variance_of_all(&s);
	fill_bins(&s, &bins);
	if (bins.count >= 4)
		fit_line(&bins, &slope, &offset);
	/* The variance nearly doubles from the darkest to the brightest parts: less gains nothing and may be texture. */
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
		for (size_t i = 0; i < s.count; i++)
			mean += fmax(slope * s.list[i].level + offset, noise->least_variance) /
				(double)s.count;
		noise->sigma = sqrt(mean);
	} else {
		noise->sigma = sqrt(noise->offset);
	}
	memory_release(s.list);
	return LACUNA_OK;
}

/* Mean within `radius' of each value of a line, NaN left out; step: from one value to the next. */
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
	float *sum = memory_alloc_array(area, sizeof(*sum));

	if (!sum)
		return LACUNA_ENOMEM;
	for (size_t first = 0; first < n; first += area)
		box_mean(level + first, w, h, radius, sum, sigma + first);
	memory_release(sum);
	for (size_t i = 0; i < n; i++) {
		const double v = noise->slope * sigma[i] + noise->offset;

		sigma[i] = isfinite(sigma[i]) ? (float)sqrt(fmax(v, noise->least_variance))
					      : (float)noise->sigma;
	}
	return LACUNA_OK;
}

/* ---- noise that is not white --------------------------------------------------------------------------- */

/* The power in the quietest twentieth of the blocks, at middle frequencies or at high ones.  chi: that quantile of the mean
 * of so many squares of white noise (chi-squared), by their expectation. */
static double quiet_power(double *power, size_t count, double chi)
{
	qsort(power, count, sizeof(*power), by_value);
	return power[count / 20] / chi;
}

double noise_correlated(const struct lacuna_shape *shape, const float *y)
{
	/* Of white noise the ratio is 1, of noise correlated over 0.7 px 4; between these lies the texture of most scenes.
	 * Texture is in one quiet block and not in another, where noise is in all.  Noise of less than three grey levels
	 * cannot be told from texture at all. */
	static const double stands_out = 3, least = 3.0 / 255, even = 2.6;
	static const double chi_middle = 0.561, chi_high = 0.552;
	struct blocks s;
	double *power = NULL, middle = 0, high = 0, spread = INFINITY;

	if (collect_all(shape, y, &s)) {
		error_clear();
		return 0;
	}
	leave_clipped(shape, y, &s);
	power = memory_alloc_array(s.count, sizeof(*power));
	if (power) {
		for (size_t i = 0; i < s.count; i++)
			power[i] = s.list[i].middle;
		middle = quiet_power(power, s.count, chi_middle);
		spread = power[s.count * 3 / 10] / power[s.count / 20];
		for (size_t i = 0; i < s.count; i++) {
			power[i] = 0;
			for (int k = 0; k < HIGH; k++)
				power[i] += s.list[i].high[k] / HIGH;
		}
		high = quiet_power(power, s.count, chi_high);
	}
	memory_release(power);
	memory_release(s.list);
	return sqrt(high) > least && middle > stands_out * high && spread < even ? sqrt(middle) : 0;
}

/* Adds the heights of the steps before column p, p + 8, ... beyond what their neighbours lead to expect. */
static void add_steps(const float *y, int64_t n, int64_t lines, int64_t along, int64_t across,
		      double sum[8], double count[8])
{
	for (int64_t l = 0; l < lines; l++)
		for (int64_t i = 2; i + 1 < n; i++) {
			const float *v = y + l * across + i * along;
			const double d = fabs(v[0] - v[-along] -
					      (v[-along] - v[-2 * along] + v[along] - v[0]) / 2.0);

			if (isfinite(d)) {
				sum[i % 8] += d;
				count[i % 8]++;
			}
		}
}

/* What the largest mean of eight has more than their median; 0 where it does not stand out.  In pictures that never were
 * JPEG the largest is within 5 percent of the second. */
static double excess(const double sum[8], const double count[8])
{
	static const double stands_out = 1.15;
	double step[8];

	for (int p = 0; p < 8; p++)
		step[p] = count[p] > 0 ? sum[p] / count[p] : 0;
	qsort(step, 8, sizeof(*step), by_value);
	return step[7] > stands_out * step[6] ? step[7] - step[3] : 0;
}

double noise_jpeg(const struct lacuna_shape *shape, const float *y)
{
	const int64_t w = shape->extent[0], h = shape->extent[1];
	const int64_t planes = shape->extent[2] * shape->extent[3];
	double across[2][8] = { { 0 } }, down[2][8] = { { 0 } };

	if (w < 4 * SIDE || h < 4 * SIDE)
		return 0;
	for (int64_t c = 0; c < planes; c++) {
		add_steps(y + c * w * h, w, h, 1, w, across[0], across[1]);
		add_steps(y + c * w * h, h, w, w, 1, down[0], down[1]);
	}
	return sqrt(excess(across[0], across[1]) * excess(down[0], down[1]));
}
