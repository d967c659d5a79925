/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
#include <config.h>

#include "restore/tweedie.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

/* Far above the posterior's deviation at missing pixels beside known ones: there the estimate can stand for the truth. */
static const double glance = 0.3;
/* Between measured pixels the posterior is narrower, and where the noise is far wider than that, a network does not know its
 * derivative.  So the glance of a pixel there is `narrow_glance' divided by the share of measured pixels around it (average
 * with a Gaussian of deviation `around', in pixels). */
static const double narrow_glance = 0.05, around = 3;
/* The same for a mean that already includes the measurement.  It is affine, so large values harm only the rounding. */
static const double affine_glance = 3, affine_length = 1;
/* Length of the probe, in deviations of the noise.  A network that knows real noise takes more of a longer probe for
 * structure; a shorter one is lost in its 16-bit arithmetic. */
static const double probe_length = 0.1;
/* Ratio of the error's mean square to the variance found, if an estimate stands for the truth.  Measured on photographs
 * (doc/measurements.md); it is below 1 because an estimate has less detail than a photograph. */
static const double typical_ratio = 0.9;
/* The posterior is narrower than the noise.  What is found is noisy, and may be wider: then it is this part of the noise. */
static const double most_left = 0.9;
/* Noise assumed for a noiseless measurement: the weights of its pixels must be finite beside those not measured. */
static const double least_noise = 0.5 / 255;

/* Streams used nowhere else.  If the probe were the very noise that lacuna simulate added with the same key, the prior would
 * respond differently. */
static const uint64_t probe_stream = UINT64_C(1) << 60, glance_stream = UINT64_C(3) << 59,
		      trial_stream = UINT64_C(7) << 58;

struct images {
	float *sigma, *pivot, *probe, *plus, *minus, *product; /* x-shaped */
	unsigned char *class;				       /* 1: measured well */
};

/* ---- averages ---------------------------------------------------------------------------------------- */

/* One plane of the image and one class of its pixels: the measured ones, or the others. */
struct field {
	int64_t w, h;
	const unsigned char *in; /* the class of a pixel */
	unsigned char class;
	const float *product; /* of the probe and its response */
};

enum { REACH = 3 }; /* radius of a Gaussian, in its deviations */

/* out = in convolved with exp(-r^2/(2 sigma^2)) along x, then y; pixels beyond the image count as 0.  work: w h. */
static void blur(const struct field *f, double sigma, const float *in, float *work, float *out)
{
	const int64_t radius = (int64_t)ceil(REACH * sigma), w = f->w, h = f->h;

	memset(work, 0, (size_t)(w * h) * sizeof *work);
	memset(out, 0, (size_t)(w * h) * sizeof *out);
	for (int64_t k = -radius; k <= radius; k++) {
		const float g = (float)exp(-0.5 * (double)(k * k) / (sigma * sigma));
		const int64_t from = k < 0 ? -k : 0, to = k > 0 ? w - k : w;

		for (int64_t y = 0; y < h; y++)
			for (int64_t x = from; x < to; x++)
				work[x + w * y] += g * in[x + k + w * y];
	}
	for (int64_t k = -radius; k <= radius; k++) {
		const float g = (float)exp(-0.5 * (double)(k * k) / (sigma * sigma));
		const int64_t from = k < 0 ? -k : 0, to = k > 0 ? h - k : h;

		for (int64_t y = from; y < to; y++)
			for (int64_t x = 0; x < w; x++)
				out[x + w * y] += g * work[x + w * (y + k)];
	}
}

struct averages {
	float *weight, *sum, *square, *squares_of_weight, *in, *work; /* w h each */
};

/* Gaussian sums over the class: of the weights, the squared weights, the product and its square. */
static void average(const struct field *f, double sigma, const struct averages *a)
{
	const size_t n = (size_t)(f->w * f->h);

	for (size_t i = 0; i < n; i++)
		a->in[i] = f->in[i] == f->class;
	blur(f, sigma, a->in, a->work, a->weight);
	/* The square of a Gaussian is a Gaussian of deviation sigma/sqrt 2. */
	blur(f, sigma * M_SQRT1_2, a->in, a->work, a->squares_of_weight);
	for (size_t i = 0; i < n; i++)
		a->in[i] = f->in[i] == f->class ? f->product[i] : 0;
	blur(f, sigma, a->in, a->work, a->sum);
	for (size_t i = 0; i < n; i++)
		a->in[i] *= a->in[i];
	blur(f, sigma, a->in, a->work, a->square);
}

/* The variance is at least the mean square of the response.  A posterior is narrower than the noise, C <= S^2, so the
 * diagonal of C is at least that of C S^-2 C, and this is what (C S^-1 z)^2 has for its mean.  It is small where the product
 * is lost in its own noise.  a: averages of the narrowest width. */
static void raise_to_response(const struct field *f, const struct averages *a, float *variance)
{
	for (size_t i = 0; i < (size_t)(f->w * f->h); i++)
		if (f->in[i] == f->class)
			variance[i] = fmaxf(variance[i], a->square[i] / a->weight[i]);
}

/* The product of one probe is noisy, and negative in places.  Goes from wide averages to narrow ones and trusts each as far
 * as it is reliable: the difference d of two averages, with the variance v of the narrower one, counts with the factor
 * d^2/(d^2 + v). */
static void refine(const struct field *f, const struct averages *a, float *variance)
{
	static const double widths[] = { 16, 8, 4, 2 };
	const double least = 0.3; /* of the wider average */
	const size_t n = (size_t)(f->w * f->h);
	double sum = 0, count = 0;

	for (size_t i = 0; i < n; i++)
		if (f->in[i] == f->class) {
			sum += (double)f->product[i];
			count++;
		}
	if (!(count > 0))
		return;
	for (size_t i = 0; i < n; i++)
		if (f->in[i] == f->class)
			variance[i] = (float)fmax(sum / count, 0);
	for (size_t k = 0; k < sizeof widths / sizeof *widths; k++) {
		average(f, widths[k], a);
		for (size_t i = 0; i < n; i++) {
			const double w = (double)a->weight[i], before = (double)variance[i];
			double mean, v, d, after;

			if (f->in[i] != f->class)
				continue;
			mean = (double)a->sum[i] / w;
			v = ((double)a->square[i] / w - mean * mean) *
			    (double)a->squares_of_weight[i] / (w * w);
			d = mean - before;
			after = before + (d * d > 0 ? d * d / (d * d + fmax(v, 0)) * d : 0);
			variance[i] = (float)fmax(after, least * before);
		}
	}
	raise_to_response(f, a, variance);
}

/* Sets variance in the pixels of one class, in parts of the noise's. */
static int smooth(const struct lacuna_shape *x, const struct images *m, unsigned char class,
		  float *variance)
{
	const int64_t w = x->extent[0], h = x->extent[1];
	const size_t n = (size_t)(w * h), planes = lacuna_count(x) / n;
	float *work = memory_alloc_array(6 * n, sizeof *work);
	const struct averages a = { work,	  work + n,	work + 2 * n,
				    work + 3 * n, work + 4 * n, work + 5 * n };

	if (!work)
		return LACUNA_ENOMEM;
	for (size_t p = 0; p < planes; p++) {
		const struct field f = { w, h, m->class + p * n, class, m->product + p * n };

		refine(&f, &a, variance + p * n);
	}
	memory_release(work);
	return LACUNA_OK;
}

/* ---- the probe --------------------------------------------------------------------------------------- */

/* Sets class, sigma and probe. */
static void prepare(const struct tweedie *t, const struct images *m)
{
	const size_t n = lacuna_count(&t->x);
	const double noise = fmax(t->noise, least_noise), precision = 1 / (noise * noise);

	random_gaussian(t->key, probe_stream, 0, m->probe, n);
	for (size_t i = 0; i < n; i++) {
		const double measured = t->d ? (double)t->d[i] * precision : 0;
		const double seen = t->d ? glance : affine_glance, least = 1 / (seen * seen);

		m->class[i] = measured >= least;
		m->probe[i] = m->probe[i] < 0 ? -1 : 1;
		m->sigma[i] = (float)(1 / sqrt(fmax(measured, least)));
	}
}

/* Narrows sigma between measured pixels.  The other images are work. */
static void narrow(const struct tweedie *t, const struct images *m)
{
	const int64_t w = t->x.extent[0], h = t->x.extent[1];
	const size_t n = (size_t)(w * h), count = lacuna_count(&t->x);
	const struct field plane = { .w = w, .h = h };
	float *share = m->pivot, *weight = m->product;

	for (size_t i = 0; i < n; i++)
		m->plus[i] = 1;
	blur(&plane, around, m->plus, m->minus, weight);
	for (size_t p = 0; p < count; p += n) {
		for (size_t i = 0; i < n; i++)
			m->plus[i] = m->class[p + i];
		blur(&plane, around, m->plus, m->minus, share);
		for (size_t i = 0; i < n; i++)
			if (!m->class[p + i] && share[i] > 0) {
				const double own = narrow_glance * (double)(weight[i] / share[i]);

				m->sigma[p + i] = fminf(m->sigma[p + i], (float)own);
			}
	}
}

/* Sets pivot from the measurement and, where that tells little, from the estimate. */
static void look(const struct tweedie *t, const struct images *m)
{
	const size_t n = lacuna_count(&t->x);
	const double noise = fmax(t->noise, least_noise), precision = 1 / (noise * noise);

	if (!t->d) {
		memcpy(m->pivot, t->estimate, n * sizeof *m->pivot);
		return;
	}
	random_gaussian(t->key, glance_stream, 0, m->plus, n);
	for (size_t i = 0; i < n; i++) {
		const double s2 = (double)m->sigma[i] * (double)m->sigma[i];
		const double rest = m->class[i] ? 0 : 1 / s2 - (double)t->d[i] * precision;
		const double seen =
			(double)t->estimate[i] + (rest > 0 ? (double)m->plus[i] / sqrt(rest) : 0);

		m->pivot[i] = (float)(((double)t->b[i] * precision + rest * seen) * s2);
	}
}

/* x0 = D at the pivot, moved along the probe by `length' deviations of the noise in the pixels of one class. */
static int respond(const struct tweedie *t, const struct images *m, unsigned char class,
		   double length, float *work, float *x0)
{
	const size_t n = lacuna_count(&t->x);

	for (size_t i = 0; i < n; i++) {
		const double along = m->class[i] == class ? length * (double)m->sigma[i] : 0;

		work[i] = (float)((double)m->pivot[i] + along * (double)m->probe[i]);
	}
	return t->mean(t->context, m->sigma, work, x0);
}

/* Sets product in the pixels of one class.  Each class is probed alone, since the response to a probe in the other class
 * would be noise here: missing pixels vary much more than known ones beside them. */
static int probe(const struct tweedie *t, const struct images *m, unsigned char class)
{
	const size_t n = lacuna_count(&t->x);
	const double length = t->d ? probe_length : affine_length;
	int status = respond(t, m, class, length, m->product, m->plus);

	if (!status)
		status = respond(t, m, class, -length, m->product, m->minus);
	for (size_t i = 0; !status && i < n; i++)
		if (m->class[i] == class)
			m->product[i] = (float)((double)m->probe[i] *
						((double)m->plus[i] - (double)m->minus[i]) /
						(2 * length * (double)m->sigma[i]));
	return status;
}

/* Sets variance in the pixels of one class: given the pivot, in parts of the noise's. */
static int find(const struct tweedie *t, const struct images *m, unsigned char class,
		float *variance)
{
	const int status = probe(t, m, class);

	return status ? status : smooth(&t->x, m, class, variance);
}

/* The variance given the measurement alone, from the part of the noise's that is left with the glance: precisions add up. */
static double without_glance(const struct tweedie *t, const struct images *m, size_t i, double part)
{
	const double noise = fmax(t->noise, least_noise);
	const double s2 = (double)m->sigma[i] * (double)m->sigma[i];
	const double rest = 1 / s2 - (t->d ? (double)t->d[i] / (noise * noise) : 0);
	const double v = fmin(part, most_left) * s2;

	return v / (1 - v * rest);
}

/* The estimate stands for an image, and its pivot is drawn anew.  *ratio: the mean square of D's error there, divided by the
 * variance found there, in the pixels that are measured well.  variance: work. */
static int try_estimate(const struct tweedie *t, const struct images *m, float *variance,
			double *ratio)
{
	const size_t n = lacuna_count(&t->x);
	double found = 0, actual = 0;
	int status;

	*ratio = 1;
	random_gaussian(t->key, trial_stream, 0, m->pivot, n);
	for (size_t i = 0; i < n; i++)
		m->pivot[i] = t->estimate[i] + m->sigma[i] * m->pivot[i];
	status = find(t, m, 1, variance);
	for (size_t i = 0; !status && i < n; i++)
		if (m->class[i]) {
			const double mean = ((double)m->plus[i] + (double)m->minus[i]) / 2;
			const double error = mean - (double)t->estimate[i];

			found += (double)variance[i] * (double)m->sigma[i] * (double)m->sigma[i];
			actual += error * error;
		}
	if (found > 0)
		*ratio = fmin(actual / found / typical_ratio, 1);
	return status;
}

/* Pixels that are measured well. */
static int fill_measured(const struct tweedie *t, const struct images *m, float *deviation)
{
	const size_t n = lacuna_count(&t->x);
	double ratio = 1;
	int status = LACUNA_OK;

	if (t->trained)
		status = try_estimate(t, m, deviation, &ratio);
	look(t, m);
	if (!status)
		status = find(t, m, 1, deviation);
	for (size_t i = 0; !status && i < n; i++)
		if (m->class[i])
			deviation[i] = m->sigma[i] *
				       (float)sqrt(fmin(ratio * (double)deviation[i], most_left));
	return status;
}

/* Missing pixels, and those that are measured badly. */
static int fill_missing(const struct tweedie *t, const struct images *m, float *deviation)
{
	const size_t n = lacuna_count(&t->x);
	int status;

	if (t->trained)
		narrow(t, m);
	look(t, m);
	status = find(t, m, 0, deviation);
	for (size_t i = 0; !status && i < n; i++)
		if (!m->class[i])
			deviation[i] = (float)sqrt(without_glance(t, m, i, (double)deviation[i]));
	return status;
}

static int fill(const struct tweedie *t, const struct images *m, float *deviation)
{
	const size_t n = lacuna_count(&t->x);
	int status = LACUNA_OK;

	prepare(t, m);
	memset(deviation, 0, n * sizeof *deviation); /* without noise measured values are exact */
	if (t->noise > 0 && memchr(m->class, 1, n))
		status = fill_measured(t, m, deviation);
	if (!status && memchr(m->class, 0, n))
		status = fill_missing(t, m, deviation);
	return status;
}

int tweedie_deviation(const struct tweedie *t, float *deviation)
{
	const size_t n = lacuna_count(&t->x);
	float *images = memory_alloc_array(6 * n, sizeof *images);
	const struct images m = { images,	  images + n,	  images + 2 * n, images + 3 * n,
				  images + 4 * n, images + 5 * n, memory_alloc(n) };
	const int status = images && m.class ? fill(t, &m, deviation) : LACUNA_ENOMEM;

	memory_release(m.class);
	memory_release(images);
	return status;
}
