/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Lacuna authors */
/* Tests whether a measured picture fits the stated blur: see noise_explain(). */
#include <config.h>

#include "base/error.h"
#include "base/memory.h"
#include "restore/noise.h"

#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	SIDE = 32,  /* of a window of the picture, px */
	PATCH = 31, /* largest kernel, px */
	MOST_WINDOWS = 400,
	BANDS = SIDE * SIDE / 2
};

/* Half of the frequency plane, without the lowest frequencies, where scenes follow no power law. */
struct spectrum {
	int count;
	double u[BANDS], v[BANDS]; /* cycles per pixel */
	double power[BANDS];	   /* white noise of variance s^2 has s^2 */
};

struct point {
	int width; /* of the patch, odd */
	double values[PATCH * PATCH];
};

static const double pi = 3.14159265358979323846;

/* ---- the kernel: what a point of light becomes ---------------------------------------------------------- */

static int cut_out(const float *y, int64_t w, int64_t h, struct point *k)
{
	const int r = PATCH / 2;
	int64_t cx = 0, cy = 0;
	double sum = 0, inside = 0, mx = 0, my = 0;

	for (int64_t i = 0; i < w * h; i++) {
		sum += y[i];
		mx += (double)y[i] * (double)(i % w);
		my += (double)y[i] * (double)(i / w);
	}
	if (!(fabs(sum) > 0))
		return 0;
	cx = llround(mx / sum);
	cy = llround(my / sum);
	k->width = PATCH;
	for (int j = -r; j <= r; j++)
		for (int i = -r; i <= r; i++) {
			const int64_t x = cx + i, z = cy + j;
			const double v = x >= 0 && z >= 0 && x < w && z < h ? y[x + w * z] : 0;

			k->values[(j + r) * PATCH + i + r] = v;
			inside += v;
		}
	return fabs(inside) > 0.95 * fabs(sum);
}

static int find_point(struct problem *problem, struct point *k)
{
	const struct lacuna_shape *x = problem_x(problem), *y = problem_y(problem);
	const int64_t *window = problem_window(problem)->extent;
	const size_t nx = lacuna_count(x), ny = lacuna_count(y);
	const uint32_t flags = problem_flags(problem);
	float *light, *answer;
	int status = LACUNA_ENOMEM, whole = 0;

	if (!(flags & LACUNA_LINEAR) || (flags & LACUNA_PIXELWISE) ||
	    memcmp(window, y->extent, sizeof y->extent) != 0)
		return LACUNA_EUNSUPPORTED;
	light = memory_alloc_array(nx, sizeof *light);
	answer = memory_alloc_array(ny, sizeof *answer);
	if (light && answer) {
		light[x->extent[0] / 2 + x->extent[0] * (x->extent[1] / 2)] = 1;
		status = problem_apply(problem, light, answer);
	}
	if (!status)
		whole = cut_out(answer, y->extent[0], y->extent[1], k);
	memory_release(light);
	memory_release(answer);
	return status ? status : whole ? LACUNA_OK : LACUNA_EUNSUPPORTED;
}

/* |K|^2 at a frequency in cycles per pixel */
static double transfer(const struct point *k, double u, double v)
{
	const int r = k->width / 2;
	double complex sum = 0;

	for (int j = -r; j <= r; j++) {
		double complex row = 0;

		for (int i = -r; i <= r; i++)
			row += k->values[(j + r) * k->width + i + r] * cexp(-2 * pi * I * (u * i));
		sum += row * cexp(-2 * pi * I * (v * j));
	}
	return creal(sum) * creal(sum) + cimag(sum) * cimag(sum);
}

/* ---- the picture's power spectrum: mean of periodograms (Welch 1967) ------------------------------------ */

struct transform {
	double window[SIDE];
	double complex twiddle[SIDE];
	double complex rows[SIDE][SIDE]; /* work space */
};

static void add_window(struct transform *t, const float *y, int64_t width, double *power)
{
	double complex(*const rows)[SIDE] = t->rows;
	double mean = 0, norm = 0;

	for (int j = 0; j < SIDE; j++)
		for (int i = 0; i < SIDE; i++) {
			const double weight = t->window[i] * t->window[j];

			mean += weight * y[j * width + i];
			norm += weight;
		}
	mean /= norm;
	for (int j = 0; j < SIDE; j++)
		for (int u = 0; u < SIDE; u++) {
			rows[j][u] = 0;
			for (int i = 0; i < SIDE; i++)
				rows[j][u] += (y[j * width + i] - mean) * t->window[i] *
					      t->window[j] * t->twiddle[u * i % SIDE];
		}
	for (int v = 0; v < SIDE; v++)
		for (int u = 0; u < SIDE; u++) {
			double complex sum = 0;

			for (int j = 0; j < SIDE; j++)
				sum += rows[j][u] * t->twiddle[v * j % SIDE];
			power[v * SIDE + u] += creal(sum) * creal(sum) + cimag(sum) * cimag(sum);
		}
}

static int is_complete(const float *y, int64_t width)
{
	for (int j = 0; j < SIDE; j++)
		for (int i = 0; i < SIDE; i++)
			if (!isfinite(y[j * width + i]))
				return 0;
	return 1;
}

/* Adds up and averages the periodograms; returns the number of windows. */
static int measure_power(const struct lacuna_shape *shape, const float *y, double *power)
{
	const int64_t w = shape->extent[0], h = shape->extent[1];
	const int64_t planes = shape->extent[2] * shape->extent[3];
	int64_t stride = SIDE / 2;
	struct transform t;
	double energy = 0;
	int windows = 0;

	for (int i = 0; i < SIDE; i++) {
		t.window[i] = 0.5 - 0.5 * cos(2 * pi * (i + 0.5) / SIDE);
		t.twiddle[i] = cexp(-2 * pi * I * i / SIDE);
		energy += t.window[i] * t.window[i];
	}
	while ((w / stride) * (h / stride) * planes > MOST_WINDOWS)
		stride++;
	for (int64_t c = 0; c < planes; c++)
		for (int64_t j = 0; j + SIDE <= h; j += stride)
			for (int64_t i = 0; i + SIDE <= w; i += stride) {
				const float *at = y + i + w * (j + h * c);

				if (is_complete(at, w)) {
					add_window(&t, at, w, power);
					windows++;
				}
			}
	for (int i = 0; i < SIDE * SIDE && windows; i++)
		power[i] /= windows * energy * energy;
	return windows;
}

static void take_half(const double *power, struct spectrum *s)
{
	s->count = 0;
	for (int v = 0; v <= SIDE / 2; v++)
		for (int u = -SIDE / 2 + 1; u <= SIDE / 2; u++) {
			const double f = hypot(u, v) / SIDE;

			if (f < 2.5 / SIDE || f > 0.5 || (v == 0 && u < 0) || s->count >= BANDS)
				continue;
			s->u[s->count] = (double)u / SIDE;
			s->v[s->count] = (double)v / SIDE;
			s->power[s->count++] = power[v * SIDE + (u + SIDE) % SIDE];
		}
}

/* ---- the fit --------------------------------------------------------------------------------------------- */

struct fit {
	double cost; /* mean of log S + P/S, less 1 */
	double sigma;
};

/* Fits S = c (|K|^2 f^-alpha + r): c is a mean, alpha and r are searched. */
static struct fit fit_kernel(const struct spectrum *s, const struct point *k, double scale)
{
	struct fit best = { INFINITY, 0 };
	double gain[BANDS], f[BANDS];

	for (int i = 0; i < s->count; i++) {
		gain[i] = transfer(k, s->u[i] * scale, s->v[i] * scale);
		f[i] = hypot(s->u[i], s->v[i]);
	}
	for (double alpha = 1.5; alpha <= 4; alpha += 0.25) {
		double scene[BANDS];

		for (int i = 0; i < s->count; i++)
			scene[i] = gain[i] * pow(f[i], -alpha);
		for (double r = 1e-7; r < 1e4; r *= 1.2) {
			double c = 0, logs = 0, cost;

			for (int i = 0; i < s->count; i++) {
				c += s->power[i] / (scene[i] + r) / s->count;
				logs += log(scene[i] + r) / s->count;
			}
			cost = log(c) + logs;
			if (cost < best.cost)
				best = (struct fit){ cost, sqrt(c * r) };
		}
	}
	return best;
}

int noise_explain(struct problem *problem, const float *y, struct noise_evidence *evidence)
{
	/* No blur at all, a narrower kernel, a wider one. */
	static const double scales[] = { 0, 0.8, 1.25 };
	/* A larger gain in log likelihood per frequency is no accident of the scene: against the right kernels of three
	 * scenes other kernels gained less than 0, against kernels a fifth too wide 0.4 to 0.6. */
	static const double clearly = 0.15;
	const struct lacuna_shape *shape = problem_y(problem);
	double *power = memory_alloc_array(SIDE * SIDE, sizeof *power);
	struct spectrum *spectrum = memory_alloc(sizeof *spectrum);
	struct point *point = memory_alloc(sizeof *point);
	struct fit as_told;
	int status = power && spectrum && point ? LACUNA_OK : LACUNA_ENOMEM;

	if (!status)
		status = find_point(problem, point);
	if (!status && measure_power(shape, y, power) < 4)
		status = LACUNA_EUNSUPPORTED;
	if (status)
		goto out;
	take_half(power, spectrum);
	as_told = fit_kernel(spectrum, point, 1);
	*evidence = (struct noise_evidence){ .sigma = as_told.sigma, .scale = 1 };
	for (int i = 0; i < 3; i++) {
		const struct fit other = fit_kernel(spectrum, point, scales[i]);

		if (i == 0)
			evidence->none = as_told.cost - other.cost;
		if (other.cost < as_told.cost - clearly) {
			evidence->scale = scales[i];
			as_told.cost = other.cost + clearly;
		}
	}
out:
	memory_release(power);
	memory_release(spectrum);
	memory_release(point);
	return status;
}
