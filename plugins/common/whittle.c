/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* The likelihood of a kernel: see whittle.h. */
#include "common/whittle.h"
#include <math.h>
#include <string.h>

enum { LARGEST_SIDE = 128, SMALLEST_SIDE = 32, MOST_WINDOWS = 400, LEAST_WINDOWS = 4 };

/* Scenes follow no power law below the first frequency, in cycles per pixel; beyond the second the plane has corners only. */
static const double lowest = 2.5 / 32, highest = 0.5;

/* ---- the spectrum ------------------------------------------------------------------------------------ */

/* The largest power of two of which the picture is twice as large, within limits. */
static int side_of_window(int64_t width, int64_t height)
{
	const int64_t least = width < height ? width : height;
	int side = LARGEST_SIDE;

	while (side > SMALLEST_SIDE && 2 * side > least)
		side /= 2;
	return side;
}

/* A frequency and its opposite have the same power: takes one of both. */
static int is_used(int side, int kx, int ky, double *f)
{
	const int v = ky <= side / 2 ? ky : ky - side;

	*f = hypot(kx, v) / side;
	return *f > lowest && *f <= highest && !((kx == 0 || kx == side / 2) && v < 0);
}

static int allocate(struct whittle *w, int side)
{
	const size_t n = (size_t)side * (size_t)(side / 2 + 1), plane = (size_t)side * (size_t)side;
	const size_t spectrum = w->fft.plan->bytes;
	char *at = w->host->alloc(w->host, spectrum + n * (4 * sizeof(double) + sizeof(int)) +
						   2 * plane * sizeof(float));

	if (!at)
		return LACUNA_ENOMEM;
	w->spectrum = (void *)at;
	w->log_f = (void *)(at + spectrum);
	w->power = w->log_f + n;
	w->gain = w->power + n;
	w->scene = w->gain + n;
	w->plane = (void *)(w->scene + n);
	w->window = w->plane + plane;
	w->place = (void *)(w->window + plane);
	return LACUNA_OK;
}

/* A window with Hann's weights, whose squares have the mean 1. */
static void prepare(struct whittle *w, int side)
{
	const double pi = acos(-1);
	double f;

	for (int j = 0; j < side; j++)
		for (int i = 0; i < side; i++)
			w->window[i + j * side] =
				(float)((1 - cos(2 * pi * (i + 0.5) / side)) *
					(1 - cos(2 * pi * (j + 0.5) / side)) / 1.5);
	for (int ky = 0; ky < side; ky++)
		for (int kx = 0; kx <= side / 2; kx++)
			if (is_used(side, kx, ky, &f)) {
				w->place[w->count] = ky * w->fft.plan->stride + kx;
				w->log_f[w->count++] = log(f);
			}
}

static double square_at(const struct whittle *w, int i)
{
	const double re = w->spectrum[w->place[i]][0], im = w->spectrum[w->place[i]][1];

	return re * re + im * im;
}

/* Adds the periodogram of a window, less its mean.  False if a value is missing.  The first value is subtracted to make the
 * power of a constant window exactly 0. */
static int add_window(struct whittle *w, const float *values, int64_t width)
{
	const int side = w->fft.plan->width, n = side * side;
	double sum = 0, weights = 0;

	for (int i = 0; i < n; i++) {
		w->plane[i] = values[i % side + width * (i / side)] - *values;
		sum += (double)w->window[i] * (double)w->plane[i];
		weights += w->window[i];
	}
	if (!isfinite(sum))
		return 0;
	for (int i = 0; i < n; i++)
		w->plane[i] = (float)((w->plane[i] - sum / weights) * w->window[i]);
	fft_forward(&w->fft, w->plane, NULL, w->spectrum);
	for (int i = 0; i < w->count; i++)
		w->power[i] += square_at(w, i);
	return 1;
}

static int measure(struct whittle *w, const float *values, int64_t width, int64_t height,
		   int64_t planes)
{
	const int side = w->fft.plan->width;
	int64_t stride = side / 2;
	double sum = 0;
	int windows = 0;

	while ((width / stride) * (height / stride) * planes > MOST_WINDOWS)
		stride++;
	for (int64_t c = 0; c < planes; c++)
		for (int64_t y = 0; y + side <= height; y += stride)
			for (int64_t x = 0; x + side <= width; x += stride)
				windows +=
					add_window(w, values + x + width * (y + height * c), width);
	for (int i = 0; i < w->count; i++)
		sum += w->power[i];
	if (windows >= LEAST_WINDOWS && sum > 0)
		return LACUNA_OK;
	return w->host->fail(
		w->host, LACUNA_EUNSUPPORTED,
		windows < LEAST_WINDOWS
			? "the picture is too small, or lacks too many pixels, to tell "
			  "its blur"
			: "the picture is constant and does not tell its blur");
}

int whittle_create(const struct lacuna_host *host, const float *values, int64_t width,
		   int64_t height, int64_t planes, struct whittle *w)
{
	const int side = side_of_window(width, height);
	int status;

	*w = (struct whittle){ .host = host };
	status = fft_create(host, side, side, &w->fft);
	if (!status)
		status = allocate(w, side);
	if (!status) {
		prepare(w, side);
		status = measure(w, values, width, height, planes);
	}
	if (status)
		whittle_destroy(w);
	return status;
}

void whittle_destroy(struct whittle *w)
{
	if (!w->host)
		return;
	fft_destroy(&w->fft);
	w->host->release(w->host, w->spectrum);
	*w = (struct whittle){ .host = NULL };
}

/* ---- the likelihood ---------------------------------------------------------------------------------- */

/* gain = |K|^2.  The transform of a kernel that wraps around is that of the kernel, at the window's frequencies. */
static void find_gain(struct whittle *w, const double *kernel, int width, int height)
{
	const int side = w->fft.plan->width;

	memset(w->plane, 0, (size_t)side * (size_t)side * sizeof *w->plane);
	for (int j = 0; j < height; j++)
		for (int i = 0; i < width; i++)
			w->plane[i % side + side * (j % side)] +=
				(float)kernel[(size_t)i + (size_t)width * (size_t)j];
	fft_forward(&w->fft, w->plane, NULL, w->spectrum);
	for (int i = 0; i < w->count; i++)
		w->gain[i] = square_at(w, i);
}

/* log c + mean of log S / c for the likeliest c, the mean of P c / S.  The log of a product of a few values is cheaper than
 * their logs. */
static double cost_of_noise(const struct whittle *w, double log_r)
{
	enum { FEW = 16 };
	const double r = exp(log_r);
	double c = 0, logs = 0;

	for (int i = 0; i < w->count;) {
		const int end = i + FEW < w->count ? i + FEW : w->count;
		double product = 1;

		for (; i < end; i++) {
			const double s = w->scene[i] + r;

			c += w->power[i] / s;
			product *= s;
		}
		logs += log(product);
	}
	return log(c / w->count) + logs / w->count;
}

/* The least cost over r: the best of a coarse row, then golden sections about it. */
static double cost_of_scene(const struct whittle *w)
{
	static const double coarse = 1.2, first = -11, last = 13, golden = 0.6180339887498949;
	double best = INFINITY, at = first, lo, hi, left, right, f_left, f_right;

	for (double t = first; t <= last; t += coarse) {
		const double cost = cost_of_noise(w, t);

		if (cost < best) {
			best = cost;
			at = t;
		}
	}
	lo = at - coarse;
	hi = at + coarse;
	left = hi - golden * (hi - lo);
	right = lo + golden * (hi - lo);
	f_left = cost_of_noise(w, left);
	f_right = cost_of_noise(w, right);
	for (int i = 0; i < 8; i++)
		if (f_left < f_right) {
			hi = right;
			right = left;
			f_right = f_left;
			left = hi - golden * (hi - lo);
			f_left = cost_of_noise(w, left);
		} else {
			lo = left;
			left = right;
			f_left = f_right;
			right = lo + golden * (hi - lo);
			f_right = cost_of_noise(w, right);
		}
	return fmin(best, fmin(f_left, f_right));
}

double whittle_cost(struct whittle *w, const double *kernel, int width, int height)
{
	/* Found with six photographs that were blurred by known kernels; doc/measurements.md has others. */
	static const double usual = 2.25, pull = 0.02;
	double best = INFINITY;

	find_gain(w, kernel, width, height);
	for (double alpha = 1; alpha <= 4; alpha += 0.25) {
		for (int i = 0; i < w->count; i++)
			w->scene[i] = w->gain[i] * exp(-alpha * w->log_f[i]);
		best = fmin(best, cost_of_scene(w) + pull * (alpha - usual) * (alpha - usual));
	}
	return best;
}
