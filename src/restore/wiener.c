/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "restore/wiener.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

enum { OCTAVES = 5, STEPS = 6 };
/* Steps of Lanczos for each octave, finest first.  Coarse ones have few different eigenvalues, and 12 steps for each change
 * the deviation by 2 %. */
static const int steps[OCTAVES] = { STEPS, STEPS, 4, 3, 3 };

/* A stream used nowhere else. */
static const uint64_t probe_stream = UINT64_C(5) << 59;
/* Noise assumed for a noiseless measurement. */
static const double least_noise = 0.5 / 255;

/* ---- filters ----------------------------------------------------------------------------------------- */

struct plane {
	int64_t w, h;
};

/* Taps 0..radius of a symmetric filter, `step' pixels apart. */
struct filter {
	const float *taps;
	int64_t radius, step;
};

/* Beyond its border the image continues as its mirror image. */
static int64_t mirrored(int64_t i, int64_t n)
{
	/* Only filters that are longer than the image need the slow division. */
	if (i < -n || i >= 2 * n)
		i = (i % (2 * n) + 2 * n) % (2 * n);
	return i < 0 ? -1 - i : i < n ? i : 2 * n - 1 - i;
}

static void along_rows(const struct plane *p, const struct filter *f, const float *in, float *out)
{
	for (int64_t y = 0; y < p->h; y++) {
		const float *row = in + p->w * y;
		float *to = out + p->w * y;

		for (int64_t x = 0; x < p->w; x++)
			to[x] = f->taps[0] * row[x];
		for (int64_t k = 1; k <= f->radius; k++) {
			const int64_t d = k * f->step;
			/* Pixels whose neighbours are inside the image. */
			const int64_t first = 2 * d < p->w ? d : p->w;
			const int64_t end = 2 * d < p->w ? p->w - d : p->w;

			for (int64_t x = 0; x < first; x++)
				to[x] += f->taps[k] *
					 (row[mirrored(x - d, p->w)] + row[mirrored(x + d, p->w)]);
			for (int64_t x = first; x < end; x++)
				to[x] += f->taps[k] * (row[x - d] + row[x + d]);
			for (int64_t x = end; x < p->w; x++)
				to[x] += f->taps[k] *
					 (row[mirrored(x - d, p->w)] + row[mirrored(x + d, p->w)]);
		}
	}
}

static void along_columns(const struct plane *p, const struct filter *f, const float *in,
			  float *out)
{
	for (int64_t y = 0; y < p->h; y++) {
		float *to = out + p->w * y;

		for (int64_t x = 0; x < p->w; x++)
			to[x] = f->taps[0] * in[x + p->w * y];
		for (int64_t k = 1; k <= f->radius; k++) {
			const float *above = in + p->w * mirrored(y - k * f->step, p->h);
			const float *below = in + p->w * mirrored(y + k * f->step, p->h);

			for (int64_t x = 0; x < p->w; x++)
				to[x] += f->taps[k] * (above[x] + below[x]);
		}
	}
}

/* The part coarser than octave j of an image without finer octaves. */
static void coarser(const struct plane *p, int j, const float *in, float *work, float *out)
{
	static const float spline[] = { 6.0F / 16, 4.0F / 16, 1.0F / 16 };
	const struct filter f = { spline, 2, INT64_C(1) << j };

	along_rows(p, &f, in, work);
	along_columns(p, &f, work, out);
}

/* Gaussian of this deviation, sum 1. */
static void blur(const struct plane *p, double sigma, const float *in, float *work, float *out)
{
	enum { MOST = 128 };
	const int64_t radius = (int64_t)fmin(ceil(3 * sigma), MOST);
	float taps[MOST + 1];
	const struct filter f = { taps, radius, 1 };
	double sum = 1;

	for (int64_t k = 1; k <= radius; k++)
		sum += 2 * exp(-0.5 * (double)(k * k) / (sigma * sigma));
	for (int64_t k = 0; k <= radius; k++)
		taps[k] = (float)(exp(-0.5 * (double)(k * k) / (sigma * sigma)) / sum);
	along_rows(p, &f, in, work);
	along_columns(p, &f, work, out);
}

/* ---- what the measurement leaves --------------------------------------------------------------------- */

/* g of one octave: eigenvalues of A'A (nodes) and the probe's weights at them. */
struct octave {
	double nodes[STEPS], weights[STEPS];
	int count;
	double energy; /* beta */
};

/* g at q = P/noise^2 */
static double left(const struct octave *o, double q)
{
	double sum = 0;

	for (int i = 0; i < o->count; i++)
		sum += o->weights[i] / (1 + q * o->nodes[i]);
	return sum;
}

/* Splits `rest', a probe with octave j and coarser ones: octave j goes to `octave', the others stay.  Both x-shaped. */
static void take_octave(const struct lacuna_shape *x, int j, float *rest, float *work,
			float *octave)
{
	const struct plane p = { x->extent[0], x->extent[1] };
	const size_t n = (size_t)(p.w * p.h), planes = lacuna_count(x) / n;

	for (size_t k = 0; k < planes; k++)
		coarser(&p, j, rest + k * n, work, octave + k * n);
	for (size_t i = 0; i < planes * n; i++) {
		const float coarse = octave[i];

		octave[i] = rest[i] - coarse;
		rest[i] = coarse;
	}
}

/* rest, octave: x-shaped; work: a plane */
static int probe(const struct wiener *t, struct octave *octaves, float *rest, float *work,
		 float *octave)
{
	const struct lacuna_shape *x = problem_x(t->problem);
	const size_t n = lacuna_count(x);
	int status = LACUNA_OK;

	random_gaussian(t->key, probe_stream, 0, rest, n);
	for (int j = 0; !status && j < OCTAVES; j++) {
		struct octave *o = &octaves[j];
		double sum = 0;

		o->count = 0; /* stays so if the quadrature fails before it begins */
		take_octave(x, j, rest, work, octave);
		status = problem_quadrature(t->problem, octave, steps[j], o->nodes, o->weights,
					    &o->count);
		for (int i = 0; i < o->count; i++)
			sum += o->weights[i];
		/* An image of one pixel has no octaves. */
		for (int i = 0; i < o->count; i++)
			o->weights[i] /= sum;
		o->energy = sum > 0 ? sum / (double)n : 1;
	}
	return status;
}

/* ---- what the image has ------------------------------------------------------------------------------ */

/* Fitted to the errors of restorations of photographs, and a little of drawn pictures; doc/measurements.md.
 * The mean square of an octave near a pixel has this exponent, that over a wide area has 1 less this. */
static const double beside = 0.42;
/* A variance is own_part of its octave's mean plus next_part of the next one's: estimates show little of what is lost. */
static const double own_part = 0.31, next_part = 0.46;
/* It shows less the less is measured: a posterior's mean has 1 - g of the variance. */
static const double lost_power = 0.48, lost_most = 0.95;
/* Least variance, where an image is flat: least_part of the noise's variance, plus least_variance. */
static const double least_part = 1e-3, least_variance = 1e-9;

struct work {
	float *rest, *squares, *around, *work; /* a plane each */
	float *before, *here;		       /* P of the previous octave and of this one */
};

/* Sets a->here to P of octave j, not yet scaled. */
static void find_power(const struct plane *p, int j, const struct octave *o, double noise,
		       const struct work *a)
{
	static const double wide = 32;
	const double least = (least_variance + least_part * noise * noise) * o->energy;
	const size_t n = (size_t)(p->w * p->h);

	coarser(p, j, a->rest, a->work, a->around);
	for (size_t i = 0; i < n; i++) {
		const float d = a->rest[i] - a->around[i];

		a->rest[i] = a->around[i];
		a->squares[i] = d * d;
	}
	blur(p, ldexp(1, j), a->squares, a->work, a->here);
	blur(p, wide, a->squares, a->work, a->around);
	for (size_t i = 0; i < n; i++)
		a->here[i] = (float)(pow((double)a->here[i] + least, beside) *
				     pow((double)a->around[i] + least, 1 - beside));
}

/* Adds the variance that the measurement leaves in an octave.  a->before: its P; next: the next octave's P, NULL: none. */
static void add_octave(const struct plane *p, const struct octave *o, double noise,
		       const struct work *a, const float *next, float *variance)
{
	const double scale = 1 / (o->energy * noise * noise);

	for (size_t i = 0; i < (size_t)(p->w * p->h); i++) {
		const double shown =
			own_part * (double)a->before[i] + (next ? next_part * (double)next[i] : 0);
		const double v = shown * pow(1 - lost_most * left(o, shown * scale), -lost_power);

		variance[i] += (float)(v * left(o, v * scale));
	}
}

static void fill_plane(const struct plane *p, const struct octave *octaves, double noise,
		       const float *estimate, struct work *a, float *variance)
{
	const size_t bytes = (size_t)(p->w * p->h) * sizeof(float);

	memcpy(a->rest, estimate, bytes);
	memset(variance, 0, bytes);
	for (int j = 0; j <= OCTAVES; j++) {
		float *spare = a->before;

		if (j < OCTAVES)
			find_power(p, j, &octaves[j], noise, a);
		if (j)
			add_octave(p, &octaves[j - 1], noise, a, j < OCTAVES ? a->here : NULL,
				   variance);
		a->before = a->here;
		a->here = spare;
	}
}

int wiener_deviation(const struct wiener *t, float *deviation)
{
	const struct lacuna_shape *x = problem_x(t->problem);
	const struct plane p = { x->extent[0], x->extent[1] };
	const size_t n = (size_t)(p.w * p.h), count = lacuna_count(x);
	const double noise = fmax(t->noise, least_noise);
	struct octave octaves[OCTAVES];
	float *rest = memory_alloc_array(2 * count, sizeof *rest);
	float *planes = memory_alloc_array(6 * n, sizeof *planes);
	int status = rest && planes ? LACUNA_OK : LACUNA_ENOMEM;

	if (!status)
		status = probe(t, octaves, rest, planes, rest + count);
	for (size_t k = 0; !status && k < count; k += n) {
		struct work a = { planes,	  planes + n,	  planes + 2 * n,
				  planes + 3 * n, planes + 4 * n, planes + 5 * n };

		fill_plane(&p, octaves, noise, t->estimate + k, &a, deviation + k);
	}
	for (size_t i = 0; !status && i < count; i++)
		deviation[i] = sqrtf(deviation[i]);
	memory_release(planes);
	memory_release(rest);
	return status;
}
